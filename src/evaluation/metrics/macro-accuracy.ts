import { z } from "zod";
import { defineMetric, type MetricPlugin, skillMean } from "../metrics.ts";

/** The plain mean of the skills' accuracies: every skill weighs the same, however many questions it has. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean of the accuracies of the skills",
  source: "macro average, as MLVU and VSI-Bench report",
  params: z.strictObject({}),
  create: () => skillMean(),
});
export default plugin;
