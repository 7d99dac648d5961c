import type { WordNet } from "../../absent/language/wordnet.ts";
import { porterStem } from "./porter.ts";
import { synonymsOf } from "./synonyms.ts";
import { wordTokens } from "./treebank.ts";

const PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/**
 * Words of a caption: marks that are a piece of ASCII's punctuation are left out, so "..." and "n't" stay.
 *
 * @source Kimyounggun99/VRU-Accident@c5d84f6, dense captions
 */
export const meteorTokens = (text: string): string[] =>
  wordTokens(text).filter((token) => !PUNCTUATION.includes(token));

interface Token {
  readonly at: number;
  readonly text: string;
}
type Match = readonly [hypothesis: number, reference: number];

/**
 * Matches from the last token to the first, each with the last fitting one of the other side; takes what it matched out
 * of both lists.
 */
const matchBackwards = (
  hypothesis: Token[],
  reference: Token[],
  fits: (given: string, wanted: string) => boolean,
): Match[] => {
  const matches: Match[] = [];
  for (let i = hypothesis.length - 1; i >= 0; i--) {
    const given = hypothesis[i]!;
    const j = reference.findLastIndex((wanted) => fits(given.text, wanted.text));
    if (j < 0) continue;
    matches.push([given.at, reference[j]!.at]);
    hypothesis.splice(i, 1);
    reference.splice(j, 1);
  }
  return matches;
};

/** Pairs of places that belong together: equal words, then equal stems, then words of one sense, greedily. */
export const alignWords = (
  reference: readonly string[],
  hypothesis: readonly string[],
  wordNet: WordNet,
): Match[] => {
  const tokens = (words: readonly string[]): Token[] =>
    words.map((word, at) => ({ at, text: word.toLowerCase() }));
  const stemmed = (left: Token[]): Token[] => left.map(({ at, text }) => ({ at, text: porterStem(text) }));
  let [given, wanted] = [tokens(hypothesis), tokens(reference)];
  const equal = (a: string, b: string): boolean => a === b;
  const exact = matchBackwards(given, wanted, equal);
  // The stems stay: what has no equal stem is looked up in WordNet as a stem, as NLTK does.
  [given, wanted] = [stemmed(given), stemmed(wanted)];
  const byStem = matchBackwards(given, wanted, equal);
  const bySense = matchBackwards(given, wanted, (a, b) => synonymsOf(wordNet, a).has(b));
  return [...exact, ...byStem, ...bySense].sort(([a], [b]) => a - b);
};

/**
 * METEOR of tokens against one reference as NLTK computes it (alpha 0.9, beta 3, gamma 0.5): equal sentences score below
 * 1. Not comparable with METEOR 1.5 in Java.
 *
 * @source NLTK 3.9.1 `single_meteor_score`; Lavie and Agarwal 2007
 */
export const meteorNltk = (
  reference: readonly string[],
  hypothesis: readonly string[],
  wordNet: WordNet,
): number => {
  const matches = alignWords(reference, hypothesis, wordNet);
  if (matches.length === 0) return 0;
  const precision = matches.length / hypothesis.length;
  const recall = matches.length / reference.length;
  const mean = (precision * recall) / (0.9 * precision + 0.1 * recall);
  let chunks = 1;
  for (let i = 1; i < matches.length; i++) {
    const [[a, b], [c, d]] = [matches[i - 1]!, matches[i]!];
    if (c !== a + 1 || d !== b + 1) chunks++;
  }
  return (1 - 0.5 * (chunks / matches.length) ** 3) * mean;
};
