import { type CaptionPair, ngramCounts } from "./coco.ts";

const SIZES = [1, 2, 3, 4] as const;
const SIGMA = 6;

/** Runs of 1 to 4 words of one text with their counts. */
type Grams = readonly ReadonlyMap<string, number>[];
const gramsOf = (tokens: readonly string[]): Grams => SIZES.map((size) => ngramCounts(tokens, size));

/** How many of a corpus's pictures have a run of words in one of their references. */
export interface DocumentFrequencies {
  readonly pictures: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** The document frequencies of the references of a corpus. */
export const documentFrequencies = (
  pictures: readonly Pick<CaptionPair, "references">[],
): DocumentFrequencies => {
  const counts = new Map<string, number>();
  for (const { references } of pictures) {
    const seen = new Set(
      references.flatMap((tokens) => gramsOf(tokens).flatMap((grams) => [...grams.keys()])),
    );
    for (const gram of seen) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return { pictures: pictures.length, counts };
};

interface Weighted {
  /** By size of the run. */
  readonly weights: readonly ReadonlyMap<string, number>[];
  readonly norms: readonly number[];
  readonly pairs: number;
}

const weigh = (tokens: readonly string[], { pictures, counts }: DocumentFrequencies): Weighted => {
  const all = Math.log(pictures);
  const weights = gramsOf(tokens).map(
    (grams) =>
      new Map(
        [...grams].map(([gram, count]) => [
          gram,
          count * (all - Math.log(Math.max(1, counts.get(gram) ?? 0))),
        ]),
      ),
  );
  const norms = weights.map((vector) => {
    let squares = 0;
    for (const weight of vector.values()) squares += weight ** 2;
    return Math.sqrt(squares);
  });
  return { weights, norms, pairs: Math.max(0, tokens.length - 1) };
};

const similarity = (a: Weighted, b: Weighted): number => {
  const penalty = Math.exp(-((a.pairs - b.pairs) ** 2) / (2 * SIGMA ** 2));
  let sum = 0;
  for (const n of SIZES.keys()) {
    let product = 0;
    for (const [gram, weight] of a.weights[n]!) {
      const other = b.weights[n]!.get(gram) ?? 0;
      product += Math.min(weight, other) * other;
    }
    const norm = a.norms[n]! * b.norms[n]!;
    sum += norm === 0 ? product : product / norm;
  }
  return (sum / SIZES.length) * penalty;
};

/**
 * CIDEr-D of one caption, 0 to 10: tf-idf vectors of runs of words, clipped, with a penalty for another length. A corpus
 * of one picture gives 0, and scores of different corpora are not comparable: the weights are the corpus's own.
 *
 * @source Vedantam et al. 2015; salaniz/pycocoevalcap@ad63453 `CiderScorer`
 */
export const ciderD = ({ hypothesis, references }: CaptionPair, frequencies: DocumentFrequencies): number => {
  const given = weigh(hypothesis, frequencies);
  let sum = 0;
  for (const reference of references) sum += similarity(given, weigh(reference, frequencies));
  return references.length === 0 ? 0 : (10 * sum) / references.length;
};
