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

/** What is left on both sides, in order; matching takes tokens out. */
interface Unmatched {
  readonly hypothesis: readonly Token[];
  readonly reference: readonly Token[];
}

const without = ({ hypothesis, reference }: Unmatched, matches: readonly Match[]): Unmatched => {
  const given = new Set(matches.map(([at]) => at));
  const wanted = new Set(matches.map(([, at]) => at));
  return {
    hypothesis: hypothesis.filter(({ at }) => !given.has(at)),
    reference: reference.filter(({ at }) => !wanted.has(at)),
  };
};

/** Where each text stands, the last place at the end. */
const placesOf = (tokens: readonly Token[]): Map<string, number[]> => {
  const places = new Map<string, number[]>();
  for (const { at, text } of tokens) {
    const known = places.get(text);
    if (known === undefined) places.set(text, [at]);
    else known.push(at);
  }
  return places;
};

/** Matches equal tokens from the last to the first, each with the last one of the other side that is still free. */
const matchEqual = ({ hypothesis, reference }: Unmatched): Match[] => {
  const places = placesOf(reference);
  return hypothesis.toReversed().flatMap(({ at, text }): Match[] => {
    const place = places.get(text)?.pop();
    return place === undefined ? [] : [[at, place]];
  });
};

/** The same with tokens that share a sense. */
const matchSenses = ({ hypothesis, reference }: Unmatched, wordNet: WordNet): Match[] => {
  const places = placesOf(reference);
  return hypothesis.toReversed().flatMap(({ at, text }): Match[] => {
    let last: number[] | undefined;
    for (const sense of synonymsOf(wordNet, text)) {
      const free = places.get(sense);
      if (free !== undefined && free.length > 0 && free.at(-1)! > (last?.at(-1) ?? -1)) last = free;
    }
    const place = last?.pop();
    return place === undefined ? [] : [[at, place]];
  });
};

/** Pairs of places that belong together: equal words, then equal stems, then words of one sense, greedily. */
export const alignWords = (
  reference: readonly string[],
  hypothesis: readonly string[],
  wordNet: WordNet,
): Match[] => {
  const tokens = (words: readonly string[]): Token[] =>
    words.map((word, at) => ({ at, text: word.toLowerCase() }));
  const stemmed = (left: readonly Token[]): Token[] =>
    left.map(({ at, text }) => ({ at, text: porterStem(text) }));
  const words: Unmatched = { hypothesis: tokens(hypothesis), reference: tokens(reference) };
  const exact = matchEqual(words);
  const rest = without(words, exact);
  // The stems stay: what has no equal stem is looked up in WordNet as a stem, as NLTK does.
  const stems = { hypothesis: stemmed(rest.hypothesis), reference: stemmed(rest.reference) };
  const byStem = matchEqual(stems);
  const bySense = matchSenses(without(stems, byStem), wordNet);
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
