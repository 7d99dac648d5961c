import { z } from "zod";
import {
  defineMetric,
  type Metric,
  type MetricPlugin,
  meanOver,
  ofKinds,
  perRecord,
  saidText,
} from "../metrics.ts";
import { ciderD, documentFrequencies } from "../overlap/cider.ts";
import { type CaptionPair, cocoTokens } from "../overlap/coco.ts";
import type { EvaluationRecord } from "../records.ts";

const pairOf = perRecord(
  (record): CaptionPair => ({
    hypothesis: cocoTokens(saidText(record)),
    references: [cocoTokens(record.gold ?? "")],
  }),
);

const meanWithin = (corpus: readonly EvaluationRecord[]): Metric => {
  const frequencies = documentFrequencies(corpus.map(pairOf));
  const scoreOf = perRecord((record) => ciderD(pairOf(record), frequencies));
  return ofKinds(["open"], (records) => meanOver(records, scoreOf));
};

const openOnes = (records: readonly EvaluationRecord[]): EvaluationRecord[] =>
  records.filter(({ answerKind }) => answerKind === "open");

/** From 0 to 10. Weights come from the references of the texts that are scored; intervals keep them. */
const plugin: MetricPlugin = defineMetric({
  summary: "CIDEr-D, 0 to 10; comparable within one set of references only",
  source: "Vedantam et al. 2015; pycocoevalcap 1.2",
  kinds: ["open"],
  scale: { unit: "number", best: 10 },
  params: z.strictObject({}),
  create: (): Metric =>
    Object.assign((records: readonly EvaluationRecord[]) => meanWithin(openOnes(records))(records), {
      fixedTo: (records: readonly EvaluationRecord[]) => meanWithin(openOnes(records)),
    }),
});
export default plugin;
