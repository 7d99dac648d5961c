import { z } from "zod";
import type { TimeSpan } from "../../core/units.ts";
import { bestIoU, readRankedSpans } from "../../grading/ranked-spans.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds, perRecord, saidText } from "../metrics.ts";

const share = (of: readonly TimeSpan[], among: readonly TimeSpan[], iou: number): number =>
  of.filter((one) => bestIoU(one, among) >= iou).length / of.length;

/**
 * F1 of events at one overlap: precision is the share of said stretches that overlap a true one so far, recall the share
 * of true ones that a said one overlaps. 0 where nothing was said.
 *
 * @source E.T. Bench, temporal action localization (PolyU-ChenLab/ETBench@445f620)
 */
export const eventF1 = (said: readonly TimeSpan[], truth: readonly TimeSpan[], iou: number): number => {
  if (said.length === 0 || truth.length === 0) return 0;
  const precision = share(said, truth, iou);
  const recall = share(truth, said, iou);
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
};

const thresholds = [0.1, 0.3, 0.5, 0.7];

const plugin: MetricPlugin = defineMetric({
  summary: "F1 of stretches of time, at one overlap or the mean of 0.1, 0.3, 0.5 and 0.7",
  source: "E.T. Bench, temporal action localization",
  kinds: ["span", "ranked-spans"],
  argument: "iou",
  params: z.strictObject({
    iou: z
      .union([z.literal("mean"), z.coerce.number().gt(0).max(1)])
      .default("mean")
      .describe('overlap in (0, 1], or "mean"'),
  }),
  create: ({ iou }) => {
    const at = iou === "mean" ? thresholds : [iou];
    const spansOf = perRecord((record) => ({
      said: readRankedSpans(saidText(record)),
      truth: readRankedSpans(record.gold ?? ""),
    }));
    return ofKinds(["span", "ranked-spans"], (records) =>
      meanOver(records, (record) => {
        const { said, truth } = spansOf(record);
        return at.reduce((sum, one) => sum + eventF1(said, truth, one), 0) / at.length;
      }),
    );
  },
});
export default plugin;
