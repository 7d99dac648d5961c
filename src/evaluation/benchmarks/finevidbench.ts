import { z } from "zod";
import { readJsonRows } from "../../core/files.ts";
import { checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";
import { fineVidBenchRow, fineVidBenchSample, fineVidBenchTasks } from "../finevidbench-layout.ts";
import { type NamedMetric, skillMean } from "../metrics.ts";
import type { EvaluationRecord } from "../records.ts";

const expected = '{"id", "video", "task", "question", "answer"}, with "options" for a choice';

const means: readonly NamedMetric[] = [
  {
    name: "scene-mean",
    summary: "mean of the accuracies of the scene tasks that were asked",
    value: skillMean(fineVidBenchTasks.scene),
  },
  {
    name: "fragment-mean",
    summary: "mean of the accuracies of the fragment tasks that were asked",
    value: skillMean(fineVidBenchTasks.fragment),
  },
];

/** What option was said, as text; null where none was read. */
const saidOption = ({ parsedAnswer, options }: EvaluationRecord): string | null =>
  parsedAnswer === null || options === null || !/^[A-Z]$/.test(parsedAnswer)
    ? null
    : (options[parsedAnswer.charCodeAt(0) - 65] ?? null);

/** Whether the same action is said of a clip however fast it runs; resampled clips count as often as they were drawn. */
const sameAction: NamedMetric = {
  name: "action-consistent",
  summary: "share of clips of which the same action is said at every speed",
  value: (records) => {
    const own = records.filter(({ skill, groups }) => skill === "action" && groups?.["speed"] !== undefined);
    const clips = Map.groupBy(own, ({ videoId, subject, draw }) => JSON.stringify([videoId, subject, draw]));
    let [sum, weight] = [0, 0];
    for (const rows of clips.values()) {
      const times = rows.length / new Set(rows.map(({ questionId }) => questionId)).size;
      const said = new Set(rows.map(saidOption));
      weight += times;
      if (said.size === 1 && !said.has(null)) sum += times;
    }
    return weight === 0 ? null : sum / weight;
  },
};

/**
 * Questions in the form of FineVidBench's tasks. Its own annotations could not be had, so the layout is ours, a row a
 * question, and nothing that comes out is FineVidBench's score. `videoperceiver finevidbench` makes such questions.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary:
    "questions in the form of FineVidBench's scene and fragment tasks; `videoperceiver finevidbench` makes them from your clips",
  source:
    "FineVidBench / SF2T (arXiv 2504.07745) by its paper; layout and scoring ours, its annotations are not public",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", ...means, "macro-accuracy", "mean-score", sameAction],
    table: [
      { label: "scene", skills: fineVidBenchTasks.scene, mean: "scene-mean" },
      { label: "fragment", skills: fineVidBenchTasks.fragment, mean: "fragment-mean" },
    ],
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for (const file of filesAt(path, /^(?!rejected).*\.jsonl$/, "questions in FineVidBench's form"))
        for await (const { value, where } of readJsonRows(file))
          samples.push(fineVidBenchSample(checkedAnnotation(fineVidBenchRow, value, where, expected)));
      return samples;
    },
  }),
});
export default plugin;
