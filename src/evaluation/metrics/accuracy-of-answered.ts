import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

/** Higher than accuracy wherever answers are missing, so never reported alone; 0 when nothing was answered. */
const plugin: MetricPlugin = defineMetric({
  summary: "share of questions answered rightly among those with any answer text",
  source: "what scripts report that skip missing answers",
  params: z.strictObject({}),
  create: () => (records) => {
    const answered = records.filter(({ rawOutput, error }) => error === null && rawOutput.trim() !== "");
    if (records.length > 0 && answered.length === 0) return 0;
    return meanOver(answered, ({ correct }) => (correct ? 1 : 0));
  },
});
export default plugin;
