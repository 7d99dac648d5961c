import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

const plugin: MetricPlugin = defineMetric({
  summary: "share of answers that strict grading could not read",
  source: "design note on official scorers: always reported beside accuracy",
  params: z.strictObject({}),
  create: () => (records) =>
    meanOver(records, ({ parsedAnswer, error }) => (error === null && parsedAnswer === null ? 1 : 0)),
});
export default plugin;
