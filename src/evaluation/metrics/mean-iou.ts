import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver, ofKinds } from "../metrics.ts";

/** What could not be read counts as 0. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean intersection over union of stretches of time (mIoU)",
  source: "temporal grounding (Charades-STA)",
  scale: { unit: "share", best: 1, digits: 2 },
  kinds: ["span", "ranked-spans"],
  params: z.strictObject({}),
  create: () =>
    ofKinds(["span", "ranked-spans"], (records) => meanOver(records, ({ scoreStrict }) => scoreStrict)),
});
export default plugin;
