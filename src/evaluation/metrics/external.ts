import { z } from "zod";
import { externalValue } from "../external-scores.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds } from "../metrics.ts";

/**
 * Read out of records: no scorer is asked, so that a report can be made anywhere. Not defined while a text lacks its
 * number.
 */
const plugin: MetricPlugin = defineMetric({
  summary:
    "mean of what a scorer outside of this program said (COMET, SPICE, ...), as it stands in the records",
  source: "ours: docs/scorers.md",
  kinds: ["open"],
  scale: { unit: "number", best: 1, digits: 4 },
  argument: "name",
  params: z.strictObject({
    name: z.string().min(1).describe("the scorer's own name"),
    part: z.string().default("score").describe("which of its numbers"),
  }),
  create: ({ name, part }) =>
    ofKinds(["open"], (records) =>
      records.every((record) => externalValue(record, name, part) !== null)
        ? meanOver(records, (record) => externalValue(record, name, part)!)
        : null,
    ),
});
export default plugin;
