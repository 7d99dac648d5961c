import { z } from "zod";
import { defineMetric, type MetricPlugin, meanOver, ofKinds, perRecord, saidText } from "../metrics.ts";
import { rouge } from "../overlap/rouge.ts";

/** Mean over the texts, as VRU-Accident reports; a text that is missing scores 0. */
const plugin: MetricPlugin = defineMetric({
  summary: "ROUGE of what was said against the reference text, words stemmed",
  source: "package rouge-score 0.1.2 with use_stemmer, mean over texts",
  kinds: ["open"],
  argument: "kind",
  params: z.strictObject({
    kind: z
      .enum(["1", "2", "L"])
      .default("L")
      .describe("single words, pairs of words, longest common subsequence"),
    part: z.enum(["f1", "precision", "recall"]).default("f1").describe("which of the three numbers"),
  }),
  create: ({ kind, part }) => {
    const scoreOf = perRecord((record) => rouge(kind, record.gold ?? "", saidText(record))[part]);
    return ofKinds(["open"], (records) => meanOver(records, scoreOf));
  },
});
export default plugin;
