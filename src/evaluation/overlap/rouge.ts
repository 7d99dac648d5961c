import { porterStem } from "./porter.ts";

/** Precision, recall and their harmonic mean, each in [0, 1]. */
export interface Overlap {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** What ROUGE counts: single words, pairs of words, or the longest common subsequence of words. */
export type RougeKind = "1" | "2" | "L";

/**
 * Words as ROUGE counts them: lower-case runs of a-z and 0-9 (any other letter parts words), stemmed from four letters on.
 *
 * @source google-research `rouge`, package rouge-score 0.1.2 with `use_stemmer=True`
 */
export const rougeTokens = (text: string, stem = true): string[] => {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return stem ? words.map((word) => (word.length > 3 ? porterStem(word) : word)) : words;
};

const overlapOf = (hits: number, given: number, wanted: number): Overlap => {
  const precision = hits / Math.max(given, 1);
  const recall = hits / Math.max(wanted, 1);
  const sum = precision + recall;
  return { precision, recall, f1: sum > 0 ? (2 * precision * recall) / sum : 0 };
};

const countsOf = (tokens: readonly string[], size: number): Map<string, number> => {
  const counts = new Map<string, number>();
  for (let at = 0; at + size <= tokens.length; at++) {
    const gram =
      size === 1
        ? tokens[at]!
        : size === 2
          ? `${tokens[at]} ${tokens[at + 1]}`
          : tokens.slice(at, at + size).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
};

/** Overlap of runs of `size` words; a run counts as often as both texts have it. */
export const rougeN = (
  reference: readonly string[],
  hypothesis: readonly string[],
  size: number,
): Overlap => {
  const wanted = countsOf(reference, size);
  let hits = 0;
  for (const [gram, count] of countsOf(hypothesis, size)) hits += Math.min(count, wanted.get(gram) ?? 0);
  return overlapOf(hits, Math.max(0, hypothesis.length - size + 1), Math.max(0, reference.length - size + 1));
};

/** Length of the longest common subsequence of two lists of words. */
export const longestCommonSubsequence = (a: readonly string[], b: readonly string[]): number => {
  const numbers = new Map<string, number>();
  const idOf = (token: string): number => {
    const id = numbers.get(token) ?? numbers.size;
    numbers.set(token, id);
    return id;
  };
  const left = Uint32Array.from(a, idOf);
  const right = Uint32Array.from(b, idOf);
  let above = new Uint32Array(right.length + 1);
  let row = new Uint32Array(right.length + 1);
  for (const token of left) {
    for (let j = 0; j < right.length; j++)
      row[j + 1] = right[j] === token ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
    [above, row] = [row, above];
  }
  return above[right.length]!;
};

/** Overlap by the longest common subsequence of the whole texts (not sentence by sentence, which is rougeLsum). */
export const rougeL = (reference: readonly string[], hypothesis: readonly string[]): Overlap =>
  reference.length === 0 || hypothesis.length === 0
    ? { precision: 0, recall: 0, f1: 0 }
    : overlapOf(longestCommonSubsequence(reference, hypothesis), hypothesis.length, reference.length);

/** ROUGE of one text against one reference. */
export const rouge = (kind: RougeKind, reference: string, hypothesis: string): Overlap => {
  const [wanted, given] = [rougeTokens(reference), rougeTokens(hypothesis)];
  return kind === "L" ? rougeL(wanted, given) : rougeN(wanted, given, Number(kind));
};
