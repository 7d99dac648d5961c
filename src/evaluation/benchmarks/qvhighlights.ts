import { z } from "zod";
import { readJsonRows } from "../../core/files.ts";
import { writeRankedSpans } from "../../grading/ranked-spans.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";

const window = z.array(z.number()).min(2).max(3);
const row = z.object({
  qid: z.union([z.number(), z.string()]),
  query: z.string(),
  vid: z.string(),
  relevant_windows: z.array(window).optional(),
});
const prediction = z.object({
  qid: z.union([z.number(), z.string()]),
  pred_relevant_windows: z.array(window),
});

const asText = (windows: readonly (readonly number[])[]): string =>
  writeRankedSpans(
    windows.map(([a = 0, b = 0, confidence]) => ({
      startSeconds: Math.min(a, b),
      endSeconds: Math.max(a, b),
      confidence: confidence ?? null,
    })),
  );

const readPrediction = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = prediction.safeParse(value);
  if (!parsed.success) return undefined;
  const { qid, pred_relevant_windows } = parsed.data;
  return [{ id: String(qid), answer: asText(pred_relevant_windows), where }];
};

/** QVHighlights' moment retrieval: windows of a clip that a sentence describes. Questions are named by `qid`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "QVHighlights, moments that a sentence describes (its highlight scores are not computed)",
  source: "jayleicn/moment_detr@b7e553a",
  params: z.strictObject({}),
  create: () => ({
    verified: "published metrics of the sample predictions: R1@0.5 53.94, R1@0.7 34.84, mAP 32.20",
    metrics: ["recall-at-iou:0.5", "recall-at-iou:0.7", "mean-iou", "mean-average-precision"],
    ownLayout: { files: /preds.*\.jsonl$/, read: readPrediction },
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for await (const { value, where } of readJsonRows(path)) {
        const { qid, query, vid, relevant_windows } = checkedAnnotation(
          row,
          value,
          where,
          'lines {"qid", "query", "vid", "relevant_windows": [[start, end]]}',
        );
        const known = relevant_windows !== undefined && relevant_windows.length > 0;
        samples.push(
          annotatedSample("qvhighlights", {
            id: String(qid),
            video: `${vid}.mp4`,
            // Clips of one recording are named <recording>_<start>_<end>.
            cluster: vid.replace(/_[\d.]+_[\d.]+$/, ""),
            question: query,
            answer: known ? asText(relevant_windows) : null,
            answerKind: "ranked-spans",
          }),
        );
      }
      return samples;
    },
  }),
});
export default plugin;
