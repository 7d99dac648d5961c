import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "share of questions with any answer text",
  source: "design note on official scorers: always reported beside accuracy",
  params: z.strictObject({}),
  create: () => (records) =>
    meanOver(records, ({ rawOutput, error }) => (error === null && rawOutput.trim() !== "" ? 1 : 0)),
});
export default plugin;
