import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "share of answers cut off at the token limit",
  source: "design note on failure accounting",
  params: z.strictObject({}),
  create: () => (records) => meanOver(records, ({ finishReason }) => (finishReason === "length" ? 1 : 0)),
});
export default plugin;
