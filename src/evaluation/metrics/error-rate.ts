import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "share of questions that failed or ran out of time",
  source: "design note on official scorers: always reported beside accuracy",
  params: z.strictObject({}),
  create: () => (records) =>
    meanOver(records, ({ finishReason }) => (finishReason === "error" || finishReason === "timeout" ? 1 : 0)),
});
export default plugin;
