import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";
import type { NamedMetric } from "../metrics.ts";
import { meanOver } from "../metrics.ts";
import type { EvaluationRecord } from "../records.ts";

const item = z.object({
  idx: z.union([z.number(), z.string()]),
  task: z.string(),
  source: z.string(),
  video: z.string(),
  duration: z.number().optional(),
  tgt: z.array(z.array(z.number()).length(2)).optional(),
  p: z.number().int().optional(),
  o: z.array(z.string()).optional(),
  g: z.array(z.string()).optional(),
  q: z.string(),
});
const expected = 'a list of {"idx", "task", "source", "video", "q"} with "tgt", or "o" and "p", or "g"';

const CHOICES = new Set(["rar", "eca", "rvq"]);
const SPANS = new Set(["tvg", "epm"]);

const idOf = ({ task, idx }: { readonly task: string; readonly idx: string | number }): string =>
  `${task}/${idx}`;

const sampleOf = (one: z.output<typeof item>): BenchmarkSample => {
  const { task, source, video, tgt, p, o, q } = one;
  const about = { id: idOf(one), video, question: q, skill: task, cluster: video };
  if (CHOICES.has(task) && o !== undefined && o.length > 1) {
    const known = p !== undefined && p >= 0 && p < o.length;
    return annotatedSample("et-bench", {
      ...about,
      answer: known ? optionLetter(p) : null,
      answerKind: "choice",
      options: o,
      irregular: known ? [] : ["the reference is none of the options (not scored)"],
    });
  }
  const [span] = tgt ?? [];
  if (SPANS.has(task) && span !== undefined)
    return annotatedSample("et-bench", {
      ...about,
      answer: `${Math.min(span[0]!, span[1]!)} - ${Math.max(span[0]!, span[1]!)}`,
      answerKind: "span",
      irregular: tgt!.length > 1 ? ["several true stretches (the first is scored)"] : [],
    });
  return annotatedSample("et-bench", {
    ...about,
    answer: null,
    answerKind: "open",
    irregular: [`task ${task} of ${source}: its scoring is not built (not scored)`],
  });
};

const thresholds = [0.1, 0.3, 0.5, 0.7];

/** Mean over the questions of one task by sources: each source weighs the same. */
const overSources = (
  records: readonly EvaluationRecord[],
  of: (record: EvaluationRecord) => number,
): number | null => {
  const sources = Map.groupBy(records, ({ videoId }) => videoId.split("/")[0]!);
  const means = [...sources.values()].map((rows) => meanOver(rows, of)!);
  return means.length === 0 ? null : means.reduce((sum, one) => sum + one, 0) / means.length;
};

const overTasks = (
  records: readonly EvaluationRecord[],
  tasks: ReadonlySet<string>,
  of: (record: EvaluationRecord) => number,
): number | null => {
  const means = [...tasks].flatMap((task) => {
    const mean = overSources(
      records.filter(({ skill }) => skill === task),
      of,
    );
    return mean === null ? [] : [mean];
  });
  return means.length === 0 ? null : means.reduce((sum, one) => sum + one, 0) / means.length;
};

const referring: NamedMetric = {
  name: "et-referring",
  summary: "accuracy of rar, eca, rvq: mean over sources, then over tasks",
  value: (records) => overTasks(records, CHOICES, ({ correct }) => (correct ? 1 : 0)),
};

const grounding: NamedMetric = {
  name: "et-grounding",
  summary: "F1 of tvg and epm: hits at IoU 0.1, 0.3, 0.5, 0.7; mean over sources, then over tasks",
  value: (records) =>
    overTasks(
      records,
      SPANS,
      ({ scoreStrict }) => thresholds.filter((one) => scoreStrict >= one).length / thresholds.length,
    ),
};

const answered = z.array(
  z
    .object({ idx: z.union([z.number(), z.string()]), task: z.string(), a: z.unknown() })
    .refine((one) => "a" in one),
);

const readAnswers = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = answered.safeParse(value);
  return parsed.success
    ? parsed.data.map((one) => ({ id: idOf(one), answer: one.a, where: `${where}, ${idOf(one)}` }))
    : undefined;
};

/** E.T. Bench's choices and groundings. Its other tasks are read, named and not scored. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "E.T. Bench: referring (choices) and grounding (tvg, epm); other tasks are not scored",
  source: "PolyU-ChenLab/ETBench@445f620",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "et-bench",
    metrics: [referring, grounding, "accuracy", "mean-iou"],
    ownLayout: { files: /\.json$/, read: readAnswers },
    prompt: (sample) => ({
      text: sample.messages[0]!.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(
        " ",
      ),
      ...(CHOICES.has(sample.skill ?? "") ? { prefill: "Best Option: (" } : {}),
    }),
    samples: async (path) =>
      filesAt(path, /^etbench.*\.json$/, "questions of E.T. Bench").flatMap((one) =>
        checkedAnnotation(z.array(item), readJsonFile(one), one, expected).map(sampleOf),
      ),
  }),
});
export default plugin;
