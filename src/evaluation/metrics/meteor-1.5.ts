import { z } from "zod";
import { installedWordNet } from "../../absent/language/wordnet.ts";
import {
  defineMetric,
  type Metric,
  type MetricPlugin,
  meanOver,
  ofKinds,
  perRecord,
  saidText,
} from "../metrics.ts";
import { addMeteorCounts, meteorCounts, meteorJava } from "../overlap/meteor-java.ts";
import { meteorJavaTokens } from "../overlap/meteor-words.ts";
import { ParaphraseTable } from "../overlap/paraphrases.ts";
import type { EvaluationRecord } from "../records.ts";

const texts = perRecord((record) => ({
  wanted: meteorJavaTokens(record.gold ?? ""),
  said: meteorJavaTokens(saidText(record)),
}));

/**
 * Of the counts of all texts together, as the Java program prints it last; a text that is missing adds its reference's
 * words. Without a table of paraphrases it is the program's "exact stem synonym".
 */
const plugin: MetricPlugin = defineMetric({
  summary: "METEOR 1.5 of all texts together (COCO captioning's, with its table of paraphrases); not NLTK's",
  source: "METEOR 1.5 (Denkowski and Lavie 2014), English, -norm, task rank",
  kinds: ["open"],
  argument: "paraphrases",
  params: z.strictObject({
    paraphrases: z
      .string()
      .min(1)
      .optional()
      .describe("METEOR's paraphrase-en.gz; left out: exact, stem and synonym stages only"),
    of: z
      .enum(["corpus", "texts"])
      .default("corpus")
      .describe("the counts of all texts together, or the mean of the texts' scores"),
  }),
  create: ({ paraphrases: file, of }): Metric => {
    const paraphrases = file === undefined ? undefined : new ParaphraseTable(file);
    const countsOf = perRecord((record) =>
      meteorCounts(texts(record).wanted, texts(record).said, {
        wordNet: installedWordNet(),
        ...(paraphrases === undefined ? {} : { paraphrases }),
      }),
    );
    const metric = ofKinds(["open"], (records) => {
      if (of === "texts") return meanOver(records, (record) => meteorJava(countsOf(record)));
      return records.length === 0 ? null : meteorJava(addMeteorCounts(records.map(countsOf)));
    });
    // A bootstrap asks thousands of times about the same texts.
    const covered = new WeakSet<EvaluationRecord>();
    return (records) => {
      const open = records.filter((record) => record.answerKind === "open" && !covered.has(record));
      paraphrases?.cover(open.flatMap((record) => Object.values(texts(record)).flat()));
      for (const record of open) covered.add(record);
      return metric(records);
    };
  },
});
export default plugin;
