import { z } from "zod";
import { externalValue } from "../external-scores.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds } from "../metrics.ts";
import type { EvaluationRecord } from "../records.ts";

/** Read out of what `--scorer events` wrote in the records; not defined while a text lacks its numbers. */
const plugin: MetricPlugin = defineMetric({
  summary:
    "events of a description: share supported by the reference, share of the reference's told, F1 of both means",
  source: "Tarsier (arXiv 2407.00634), AutoDQ on DREAM-1K",
  kinds: ["open"],
  argument: "kind",
  params: z.strictObject({
    kind: z.enum(["precision", "recall", "f1"]).default("f1").describe("which of the three numbers"),
  }),
  create: ({ kind }) => {
    const meanOf = (records: readonly EvaluationRecord[], part: string): number | null =>
      records.every((record) => externalValue(record, "events", part) !== null)
        ? meanOver(records, (record) => externalValue(record, "events", part)!)
        : null;
    return ofKinds(["open"], (records) => {
      if (kind !== "f1") return meanOf(records, kind);
      const [precision, recall] = [meanOf(records, "precision"), meanOf(records, "recall")];
      if (precision === null || recall === null) return null;
      return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
    });
  },
});
export default plugin;
