import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver } from "../metrics.ts";

/** Of the answers that were given; 0 when none was. */
const plugin: MetricPlugin = defineMetric({
  summary: "share of given answers that could not be read",
  source: "design note on official scorers: always reported beside accuracy",
  params: z.strictObject({}),
  create: () => (records) => {
    const given = records.filter(({ error }) => error === null);
    if (records.length > 0 && given.length === 0) return 0;
    return meanOver(given, ({ parsedAnswer }) => (parsedAnswer === null || parsedAnswer === "" ? 1 : 0));
  },
});
export default plugin;
