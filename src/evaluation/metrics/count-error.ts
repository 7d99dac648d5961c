import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver, numbersOf, ofKinds } from "../metrics.ts";

/** An unread count is taken as 0. "transrac" explodes for a true count of 0, "countix" leaves those out. */
const plugin: MetricPlugin = defineMetric({
  summary: "mean absolute error of counts (MAE), plain or relative; less is better",
  source: "plain: OVR; transrac: |p-t|/(t+0.1), TransRAC@68bdd4d; countix: |p-t|/t, RepNet",
  kinds: ["number"],
  scale: { unit: "number", best: 0 },
  argument: "relative",
  params: z.strictObject({
    relative: z
      .enum(["plain", "transrac", "countix"])
      .default("plain")
      .describe("what the error is divided by"),
  }),
  create: ({ relative }) =>
    ofKinds(["number"], (records) =>
      meanOver(
        relative === "countix" ? records.filter((record) => numbersOf(record).right > 0) : records,
        (record) => {
          const { said, right } = numbersOf(record);
          const error = Math.abs((said ?? 0) - right);
          return relative === "plain" ? error : error / (right + (relative === "transrac" ? 0.1 : 0));
        },
      ),
    ),
});
export default plugin;
