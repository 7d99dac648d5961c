import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver, numbersOf, ofKinds } from "../metrics.ts";

/** An unread count is wrong, also where 0 would be near enough. */
const plugin: MetricPlugin = defineMetric({
  summary: "share of counts that are at most one off (OBO)",
  source: "repetition counting (RepCount, Countix reports 1 minus this)",
  kinds: ["number"],
  params: z.strictObject({}),
  create: () =>
    ofKinds(["number"], (records) =>
      meanOver(records, (record) => {
        const { said, right } = numbersOf(record);
        return said !== null && Math.abs(said - right) <= 1 ? 1 : 0;
      }),
    ),
});
export default plugin;
