import { closedTags } from "./closed-words.ts";
import type { PartOfSpeech, WordNet } from "./wordnet.ts";

/** A keyword that was not taken, and why. */
export interface DroppedKeyword {
  readonly keyword: string;
  /** Its words that the caption does not say in any form. */
  readonly missing: readonly string[];
}

const parts: readonly PartOfSpeech[] = ["noun", "verb", "adj", "adv"];

const wordsOf = (text: string): string[] =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[’‘`´]/g, "'")
    .match(/[\p{L}\p{M}\p{N}]+(?:[-'][\p{L}\p{M}\p{N}]+)*/gu) ?? [];

/** A word and its parts where it is a compound, each without a clitic. */
const piecesOf = (word: string): string[] => {
  const plain = word.replace(/'(?:s|re|ve|ll|d|m)?$/, "");
  return plain.includes("-") ? [plain, plain.replaceAll("-", ""), ...plain.split("-")] : [plain];
};

/** The word with every lemma that it can be brought to. */
const formsOf = (word: string, wordNet: WordNet): Set<string> => {
  const forms = new Set<string>([word]);
  for (const part of parts) for (const lemma of wordNet.lemmas(word, part)) forms.add(lemma);
  return forms;
};

/**
 * Which keywords a caption says: every content word of a keyword must share a WordNet lemma with a word of the caption,
 * or be derived from one ("collide" for "a collision"). Function words and particles are not asked for, unless the
 * keyword has no other. Synonyms do not count, and negation is not looked at.
 */
export const groundedKeywords = (
  keywords: readonly string[],
  caption: string,
  wordNet: WordNet,
): { readonly kept: readonly string[]; readonly dropped: readonly DroppedKeyword[] } => {
  const said = new Set<string>();
  for (const word of wordsOf(caption).flatMap(piecesOf)) {
    for (const form of formsOf(word, wordNet)) said.add(form);
    for (const part of ["noun", "verb"] as const)
      for (const lemma of wordNet.lemmas(word, part))
        for (const other of wordNet.derived(lemma, part)) said.add(other);
  }
  const says = (word: string): boolean => {
    const [whole, joined, ...pieces] = piecesOf(word);
    const known = (piece: string): boolean => [...formsOf(piece, wordNet)].some((form) => said.has(form));
    return known(whole!) || (joined !== undefined && (known(joined) || pieces.every(known)));
  };
  const kept: string[] = [];
  const dropped: DroppedKeyword[] = [];
  for (const keyword of keywords) {
    const words = wordsOf(keyword);
    const content = words.filter((word) => !closedTags.has(word));
    const missing = (content.length > 0 ? content : words).filter((word) => !says(word));
    if (missing.length === 0 && words.length > 0) kept.push(keyword);
    else dropped.push({ keyword, missing });
  }
  return { kept, dropped };
};
