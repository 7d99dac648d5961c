import { optionLetter } from "../../grading/options.ts";
import { correctness, type EvaluationRecord, scoredRecords } from "../records.ts";
import { accuracyOf } from "../score.ts";
import type { WrittenFile } from "./lmms-eval.ts";

const safe = (name: string): string => name.replace(/[^\w.-]+/g, "_");

/** A field of a table; quotes as pandas writes them. */
const field = (value: string | number | null, separator: string): string => {
  const text = value === null ? "" : String(value);
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const table = (rows: readonly (readonly (string | number | null)[])[], separator: string): string =>
  `${rows.map((row) => row.map((value) => field(value, separator)).join(separator)).join("\n")}\n`;

/**
 * Records in VLMEvalKit's layout: `<model>/<model>_<dataset>.tsv` with one row a question, and `..._acc.csv` with per
 * cent by skill.
 */
export const vlmEvalKitFiles = (records: readonly EvaluationRecord[]): WrittenFile[] => {
  const [first] = records as readonly [EvaluationRecord];
  const [model, dataset] = [safe(first.subject), safe(first.benchmark)];
  const most = Math.max(0, ...records.map(({ options }) => options?.length ?? 0));
  const letters = Array.from({ length: most }, (_, at) => optionLetter(at));
  const head = ["index", "id", "video", "category", "question", ...letters, "answer", "prediction", "hit"];
  const rows = records.map((record, index) => [
    index,
    record.questionId,
    record.videoId,
    record.skill,
    record.prompt,
    ...letters.map((_, at) => record.options?.[at] ?? null),
    record.gold,
    record.rawOutput,
    record.correct ? 1 : 0,
  ]);
  const scored = scoredRecords(records);
  const skills = [...new Set(scored.map(({ skill }) => skill))].sort();
  const percent = (some: readonly EvaluationRecord[]): string => {
    const accuracy = accuracyOf(correctness(some));
    return accuracy === null ? "" : (100 * accuracy.value).toFixed(4);
  };
  const accuracies = [
    ["split", "Overall", ...skills],
    [
      first.split ?? "none",
      percent(scored),
      ...skills.map((skill) => percent(scored.filter((one) => one.skill === skill))),
    ],
  ];
  return [
    { name: `${model}/${model}_${dataset}.tsv`, text: table([head, ...rows], "\t") },
    { name: `${model}/${model}_${dataset}_acc.csv`, text: table(accuracies, ",") },
  ];
};
