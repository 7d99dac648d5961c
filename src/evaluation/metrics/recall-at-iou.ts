import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver, ofKinds } from "../metrics.ts";

/** What could not be read overlaps with nothing. */
const plugin: MetricPlugin = defineMetric({
  summary: "share of stretches of time whose intersection over union reaches a threshold (R1@IoU)",
  source: "temporal grounding (Charades-STA, QVHighlights)",
  scale: { unit: "share", best: 1, digits: 2 },
  kinds: ["span", "ranked-spans"],
  argument: "iou",
  params: z.strictObject({
    iou: z.coerce.number().gt(0).max(1).default(0.5).describe("threshold in (0, 1]"),
  }),
  create: ({ iou }) =>
    ofKinds(["span", "ranked-spans"], (records) =>
      meanOver(records, ({ scoreStrict }) => (scoreStrict >= iou ? 1 : 0)),
    ),
});
export default plugin;
