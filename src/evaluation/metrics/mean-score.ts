import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "mean partial credit of strict grading",
  source: "strict grading, ours",
  params: z.strictObject({}),
  create: () => (records) => meanOver(records, ({ scoreStrict }) => scoreStrict),
});
export default plugin;
