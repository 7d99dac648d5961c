import { z } from "zod";
import { meanRelativeAccuracy } from "../../grading/numbers.ts";
import { defineMetric, type MetricPlugin, meanOver, numbersOf, ofKinds } from "../metrics.ts";

/** What could not be read counts as 0. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean relative accuracy of numbers over ten tolerances (MRA)",
  source: "VSI-Bench (vision-x-nyu/thinking-in-space@51e089c)",
  kinds: ["number"],
  params: z.strictObject({}),
  create: () =>
    ofKinds(["number"], (records) =>
      meanOver(records, (record) => {
        const { said, right } = numbersOf(record);
        return said === null ? 0 : meanRelativeAccuracy(said, right);
      }),
    ),
});
export default plugin;
