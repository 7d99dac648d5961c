import { treebankTokens } from "./treebank.ts";

const leftOut = new Set([
  "''",
  "'",
  "``",
  "`",
  "(",
  ")",
  "{",
  "}",
  ".",
  "?",
  "!",
  ",",
  ":",
  "-",
  "--",
  "...",
  ";",
]);

/**
 * Words as COCO captioning counts them: Penn Treebank tokens in lower case without punctuation. COCO's own come from
 * Stanford's tokenizer in Java; the two may differ at rare marks.
 */
export const cocoTokens = (text: string): string[] =>
  treebankTokens(text)
    .map((token) => token.toLowerCase())
    .filter((token) => !leftOut.has(token));

/** One caption and the references it is compared with. */
export interface CaptionPair {
  readonly hypothesis: readonly string[];
  readonly references: readonly (readonly string[])[];
}

/** How often each run of `size` words stands in a text. */
export const ngramCounts = (tokens: readonly string[], size: number): Map<string, number> => {
  const counts = new Map<string, number>();
  for (let at = 0; at + size <= tokens.length; at++) {
    const gram = tokens.slice(at, at + size).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
};

/** What BLEU adds up over the captions of a corpus. */
export interface BleuCounts {
  readonly length: number;
  /** Length of the reference whose length is nearest, the shorter of two as near. */
  readonly referenceLength: number;
  /** Runs of 1 to 4 words that a reference has, counted no more often than there; and all runs. */
  readonly hits_4: readonly number[];
  readonly runs_4: readonly number[];
}

/** BLEU's counts of one caption. */
export const bleuCounts = ({ hypothesis, references }: CaptionPair): BleuCounts => {
  const { length } = hypothesis;
  const distance = (size: number): number => Math.abs(size - length);
  const [referenceLength = 0] = references
    .map((reference) => reference.length)
    .sort((a, b) => distance(a) - distance(b) || a - b);
  const hits_4 = [1, 2, 3, 4].map((size) => {
    const most = new Map<string, number>();
    for (const reference of references)
      for (const [gram, count] of ngramCounts(reference, size))
        most.set(gram, Math.max(count, most.get(gram) ?? 0));
    let hits = 0;
    for (const [gram, count] of ngramCounts(hypothesis, size)) hits += Math.min(count, most.get(gram) ?? 0);
    return hits;
  });
  const runs_4 = [1, 2, 3, 4].map((size) => Math.max(0, length - size + 1));
  return { length, referenceLength, hits_4, runs_4 };
};

const SMALL = 1e-9;
const TINY = 1e-15;

/**
 * BLEU-1 to BLEU-4 of a corpus, of the sums of its captions' counts.
 *
 * @source salaniz/pycocoevalcap@ad63453 `BleuScorer`, reference length "closest"
 */
export const bleuOf = (captions: readonly BleuCounts[]): [number, number, number, number] => {
  const sum = (of: (counts: BleuCounts) => number): number =>
    captions.reduce((total, counts) => total + of(counts), 0);
  const ratio = (sum(({ length }) => length) + TINY) / (sum((one) => one.referenceLength) + SMALL);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const score = (n: number): number => {
    product *= (sum(({ hits_4 }) => hits_4[n]!) + TINY) / (sum(({ runs_4 }) => runs_4[n]!) + SMALL);
    return product ** (1 / (n + 1)) * brevity;
  };
  return [score(0), score(1), score(2), score(3)];
};
