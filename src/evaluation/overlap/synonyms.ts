import { detachments, type PartOfSpeech, type WordNet } from "../../absent/language/wordnet.ts";

const parts: readonly PartOfSpeech[] = ["noun", "verb", "adj", "adv"];

/** Base forms of a word: itself, then what the irregular forms say or, for regular words, every suffix rule. */
const baseForms = (wordNet: WordNet, word: string, part: PartOfSpeech): string[] => {
  const cut = (suffix: string, ending: string): string[] =>
    word.endsWith(suffix) ? [word.slice(0, word.length - suffix.length) + ending] : [];
  const forms = wordNet.irregular(word, part) ?? [
    ...detachments[part].flatMap(([suffix, ending]) => cut(suffix, ending)),
    // A rule that NLTK has besides WordNet's own.
    ...(part === "noun" ? cut("ves", "f") : []),
  ];
  return [...new Set([word, ...forms])].filter((form) => wordNet.has(form, part));
};

const known = new WeakMap<WordNet, Map<string, ReadonlySet<string>>>();

/**
 * Words that share a sense with a word of any part of speech, single words only, the word itself among them.
 *
 * @source NLTK 3.9.1 `wordnet.synsets` and `meteor_score`, on WordNet 3.0
 */
export const synonymsOf = (wordNet: WordNet, word: string): ReadonlySet<string> => {
  const cache = known.get(wordNet) ?? new Map<string, ReadonlySet<string>>();
  known.set(wordNet, cache);
  const kept = cache.get(word);
  if (kept !== undefined) return kept;
  const found = new Set([word]);
  for (const part of parts)
    for (const form of baseForms(wordNet, word.toLowerCase(), part))
      for (const other of wordNet.sameSense(form, part)) if (!other.includes("_")) found.add(other);
  cache.set(word, found);
  return found;
};
