import { z } from "zod";
import { installedWordNet } from "../../absent/language/wordnet.ts";
import { defineMetric, type MetricPlugin, meanOver, ofKinds, perRecord, saidText } from "../metrics.ts";
import { meteorNltk, meteorTokens } from "../overlap/meteor.ts";

/** Equal texts score a little below 1. A text that is missing scores 0. */
const plugin: MetricPlugin = defineMetric({
  summary: "METEOR as NLTK computes it (not METEOR 1.5 of COCO captioning)",
  source: "NLTK 3.9.1 meteor_score with word_tokenize, punctuation left out as VRU-Accident does",
  kinds: ["open"],
  params: z.strictObject({}),
  create: () => {
    const scoreOf = perRecord((record) =>
      meteorNltk(meteorTokens(record.gold ?? ""), meteorTokens(saidText(record)), installedWordNet()),
    );
    return ofKinds(["open"], (records) => meanOver(records, scoreOf));
  },
});
export default plugin;
