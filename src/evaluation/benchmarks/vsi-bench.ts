import { z } from "zod";
import { readJsonFile, readJsonRows } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { meanRelativeAccuracy } from "../../grading/numbers.ts";
import { annotatedSample, checkedAnnotation, LETTERED_LINES, splitLettered } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";
import { meanOver, type NamedMetric, numbersOf } from "../metrics.ts";
import { optionLines } from "../prompt.ts";
import type { EvaluationRecord } from "../records.ts";

const row = z.object({
  id: z.coerce.string(),
  dataset: z.string(),
  scene_name: z.string(),
  question_type: z.string(),
  question: z.string(),
  options: z.array(z.string()).nullish(),
  ground_truth: z.coerce.string(),
});
const expected = '{"id", "dataset", "scene_name", "question_type", "question", "options", "ground_truth"}';

const sampleOf = (one: z.output<typeof row>): BenchmarkSample => {
  const lettered = one.options == null ? null : splitLettered(one.options.join("\n"), LETTERED_LINES);
  const options = one.options == null ? undefined : (lettered?.options ?? one.options);
  const truth = one.ground_truth.trim();
  const isNumber = options === undefined;
  const at = truth.toUpperCase().charCodeAt(0) - 65;
  const known = isNumber
    ? Number.isFinite(Number(truth))
    : truth.length === 1 && at >= 0 && at < options.length;
  const scene = `${one.dataset}/${one.scene_name}`;
  return annotatedSample("vsi-bench", {
    id: one.id,
    video: `${scene}.mp4`,
    cluster: scene,
    question: one.question,
    answer: known ? (isNumber ? truth : truth.toUpperCase()) : null,
    answerKind: isNumber ? "number" : "choice",
    ...(options === undefined ? {} : { options }),
    skill: one.question_type,
    irregular: known ? [] : ["the reference cannot be read (not scored)"],
  });
};

/** What one question scores: 1 or 0 for a choice, MRA for a number. */
const scoreOf = (record: EvaluationRecord): number => {
  if (record.answerKind === "choice") return record.correct ? 1 : 0;
  const { said, right } = numbersOf(record);
  return said === null ? 0 : meanRelativeAccuracy(said, right);
};

/** Every task weighs the same; the three levels of relative direction are one task. */
const overall: NamedMetric = {
  name: "vsi-average",
  summary: "mean over tasks of accuracy or MRA, the three levels of relative direction as one task",
  value: (records) => {
    const types = [...Map.groupBy(records, ({ skill }) => skill)].map(([type, rows]) => ({
      task: type.replace(/^(object_rel_direction)_(?:easy|medium|hard)$/, "$1"),
      mean: meanOver(rows, scoreOf)!,
    }));
    const means = [...Map.groupBy(types, ({ task }) => task).values()].map(
      (levels) => levels.reduce((sum, { mean }) => sum + mean, 0) / levels.length,
    );
    return means.length === 0 ? null : means.reduce((sum, one) => sum + one, 0) / means.length;
  },
};

const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "VSI-Bench, spatial questions about rooms: choices by accuracy, numbers by MRA",
  source: "vision-x-nyu/thinking-in-space@51e089c",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "vsi-bench",
    metrics: [overall, "accuracy", "mean-relative-accuracy"],
    prompt: (sample) => ({
      text: [
        "These are frames of a video.",
        questionText(sample),
        ...(sample.options === undefined
          ? ["Please answer the question using a single word or phrase."]
          : [
              "Options:",
              optionLines(sample),
              "Answer with the option's letter from the given choices directly.",
            ]),
      ].join("\n"),
      maxNewTokens: 16,
    }),
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for (const file of filesAt(path, /\.jsonl?$/, "questions of VSI-Bench"))
        if (file.endsWith(".jsonl"))
          for await (const { value, where } of readJsonRows(file))
            samples.push(sampleOf(checkedAnnotation(row, value, where, expected)));
        else
          for (const one of checkedAnnotation(
            z.array(row),
            readJsonFile(file),
            file,
            `a list of ${expected}`,
          ))
            samples.push(sampleOf(one));
      return samples;
    },
  }),
});
export default plugin;
