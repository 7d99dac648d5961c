import { z } from "zod";
import { defineMetric, type MetricPlugin, ofKinds, perRecord, saidText } from "../metrics.ts";
import { bleuCounts, bleuOf, cocoTokens } from "../overlap/coco.ts";

/** Of the sums over all texts, not a mean of texts; a text that is missing adds its reference's length. */
const plugin: MetricPlugin = defineMetric({
  summary: "BLEU of all texts together",
  source: "COCO captioning, pycocoevalcap 1.2",
  kinds: ["open"],
  argument: "n",
  params: z.strictObject({
    n: z.coerce.number().int().min(1).max(4).default(4).describe("longest run of words"),
  }),
  create: ({ n }) => {
    const countsOf = perRecord((record) =>
      bleuCounts({ hypothesis: cocoTokens(saidText(record)), references: [cocoTokens(record.gold ?? "")] }),
    );
    return ofKinds(["open"], (records) =>
      records.length === 0 ? null : bleuOf(records.map(countsOf))[n - 1]!,
    );
  },
});
export default plugin;
