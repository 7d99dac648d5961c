import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "share of questions answered rightly; failed ones are wrong",
  source: "strict grading, ours",
  params: z.strictObject({}),
  create: () => (records) => meanOver(records, ({ correct }) => (correct ? 1 : 0)),
});
export default plugin;
