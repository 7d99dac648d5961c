import { z } from "zod";
import type { TimeSpan } from "../../core/units.ts";
import { type RankedSpan, readRankedSpans } from "../../grading/ranked-spans.ts";
import { spanIoU } from "../../grading/spans.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds, perRecord, saidText } from "../metrics.ts";

/** Area under precision against recall, precision made to fall; hits in the order of confidence. */
const averagePrecision = (hits: readonly boolean[], wanted: number): number => {
  let found = 0;
  const precisions = hits.map((hit, i) => (hit ? ++found : found) / (i + 1));
  let [area, best] = [0, 0];
  for (let i = hits.length - 1; i >= 0; i--) {
    best = Math.max(best, precisions[i]!);
    if (hits[i]) area += best / wanted;
  }
  return area;
};

/**
 * Average precision of ranked spans: each takes the reference that it overlaps most of those that are still free.
 *
 * @source ActivityNet detection evaluation as jayleicn/moment_detr@b7e553a has it
 */
export const spanAveragePrecision = (
  spans: readonly RankedSpan[],
  references: readonly TimeSpan[],
  iou: number,
): number => {
  const ranked = spans
    .map((span, at) => ({ span, at }))
    .sort((a, b) => (b.span.confidence ?? 0) - (a.span.confidence ?? 0) || a.at - b.at);
  const taken = new Set<number>();
  const hits = ranked.map(({ span }) => {
    const [best] = references
      .map((reference, index) => ({ index, overlap: spanIoU(span, reference) }))
      .sort((a, b) => b.overlap - a.overlap)
      .filter(({ index, overlap }) => overlap >= iou && !taken.has(index));
    if (best !== undefined) taken.add(best.index);
    return best !== undefined;
  });
  return averagePrecision(hits, references.length);
};

/** 0.50, 0.55, ..., 0.95. */
const thresholds = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/** The ten first spans of an answer count; an answer that is missing scores 0. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean average precision of ranked spans (mAP), at one overlap or the mean of 0.50 to 0.95",
  source: "QVHighlights (jayleicn/moment_detr@b7e553a)",
  scale: { unit: "share", best: 1, digits: 2 },
  kinds: ["ranked-spans"],
  argument: "iou",
  params: z.strictObject({
    iou: z
      .union([z.literal("mean"), z.coerce.number().gt(0).max(1)])
      .default("mean")
      .describe('overlap in (0, 1], or "mean"'),
  }),
  create: ({ iou }) => {
    const used = iou === "mean" ? thresholds : [iou];
    const scoreOf = perRecord((record) => {
      const spans = readRankedSpans(saidText(record)).slice(0, 10);
      const references = readRankedSpans(record.gold ?? "");
      return used.reduce((sum, at) => sum + spanAveragePrecision(spans, references, at), 0) / used.length;
    });
    return ofKinds(["ranked-spans"], (records) => meanOver(records, scoreOf));
  },
});
export default plugin;
