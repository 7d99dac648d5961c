import { detachments, type PartOfSpeech, type WordNet } from "../../absent/language/wordnet.ts";

const parts: readonly PartOfSpeech[] = ["noun", "verb", "adj", "adv"];
const suffixes = parts.flatMap((part) => detachments[part]);

const known = new WeakMap<WordNet, Map<string, ReadonlySet<number>>>();

const sensesOf = (wordNet: WordNet, words: readonly string[]): number[] =>
  words.flatMap((word) => parts.flatMap((part) => wordNet.senses(word, part)));

/** The first base form that a suffix rule gives and WordNet has. */
const baseForm = (wordNet: WordNet, word: string): string[] => {
  if (word.endsWith("ss") || word.length < 3) return [word];
  const isLemma = (form: string): boolean => parts.some((part) => wordNet.has(form, part));
  for (const [suffix, ending] of suffixes) {
    const form = word.slice(0, word.length - suffix.length) + ending;
    if (word.endsWith(suffix) && isLemma(form)) return [form];
  }
  return [];
};

/**
 * The senses of a word and of its base form by METEOR 1.5: places in WordNet's data files, whatever the part of speech
 * (a noun and a verb at the same place count as one sense). Two words are synonyms where they share one.
 *
 * @source METEOR 1.5, its synonym dictionary, which is WordNet 3.0
 */
export const meteorSenses = (wordNet: WordNet, word: string): ReadonlySet<number> => {
  const cache = known.get(wordNet) ?? new Map<string, ReadonlySet<number>>();
  known.set(wordNet, cache);
  const kept = cache.get(word);
  if (kept !== undefined) return kept;
  const irregular = parts.flatMap((part) => wordNet.irregular(word, part) ?? []);
  const bases = irregular.length > 0 ? irregular : baseForm(wordNet, word);
  const senses = new Set(sensesOf(wordNet, [word, ...bases]));
  cache.set(word, senses);
  return senses;
};
