import { sha256 } from "../../core/files.ts";
import { correctness, type EvaluationRecord, scoredRecords } from "../records.ts";
import { accuracyOf } from "../score.ts";
import { naiveStandardError } from "../statistics/clustered.ts";

/** A file of another program's layout, its name relative to a folder. */
export interface WrittenFile {
  readonly name: string;
  readonly text: string;
}

const safe = (name: string): string => name.replace(/[^\w.-]+/g, "_");

/**
 * Records in lmms-eval's layout: `<stamp>_results.json` and `<stamp>_samples_<task>.jsonl`.
 *
 * @param stamp what its files begin with, e.g. `20261128_120000`
 */
export const lmmsEvalFiles = (records: readonly EvaluationRecord[], stamp: string): WrittenFile[] => {
  const [{ benchmark, benchmarkVersion, subject }] = records as readonly [EvaluationRecord];
  const task = safe(benchmark);
  const scored = scoredRecords(records);
  const accuracy = accuracyOf(correctness(scored));
  const values = scored.map(({ questionId, correct }) => ({ cluster: questionId, value: correct ? 1 : 0 }));
  const results = {
    results: {
      [task]: {
        alias: task,
        "acc,none": accuracy?.value ?? null,
        "acc_stderr,none": naiveStandardError(values),
        "acc_stderr_clustered,none": accuracy?.standardError ?? null,
      },
    },
    configs: {
      [task]: { task, metric_list: [{ metric: "acc", aggregation: "mean", higher_is_better: true }] },
    },
    versions: { [task]: benchmarkVersion },
    "n-shot": { [task]: 0 },
    higher_is_better: { [task]: { acc: true } },
    "n-samples": { [task]: { original: records.length, effective: scored.length } },
    model_name: subject,
  };
  const samples = records.map((record, doc_id) => {
    const { questionId, prompt, gold, rawOutput, parsedAnswer, correct, outcome, finishReason } = record;
    return JSON.stringify({
      doc_id,
      doc: { id: questionId, video: record.videoId, options: record.options },
      input: prompt,
      target: gold,
      resps: [[rawOutput]],
      filtered_resps: [rawOutput],
      parsed: parsedAnswer,
      outcome,
      finish_reason: finishReason,
      doc_hash: sha256(questionId),
      prompt_hash: sha256(prompt),
      acc: correct ? 1 : 0,
    });
  });
  return [
    { name: `${stamp}_results.json`, text: `${JSON.stringify(results, null, 2)}\n` },
    { name: `${stamp}_samples_${task}.jsonl`, text: `${samples.join("\n")}\n` },
  ];
};
