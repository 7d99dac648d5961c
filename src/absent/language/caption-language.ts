import { closedTags } from "./closed-words.ts";
import type { PartOfSpeech, WordNet } from "./wordnet.ts";

const scripts = (
  "Han Hiragana Katakana Hangul Cyrillic Greek Arabic Hebrew Devanagari Bengali Tamil Telugu Thai Georgian Armenian " +
  "Ethiopic Khmer Myanmar Sinhala Gujarati Gurmukhi Kannada Malayalam Lao Tibetan Mongolian"
)
  .split(" ")
  .map((name) => [name, new RegExp(`\\p{Script=${name}}`, "gu")] as const);

const parts: readonly PartOfSpeech[] = ["noun", "verb", "adj", "adv"];

/** Fewest words and share of them that are not English for a caption in Latin letters to count as another language. */
const fewestWords = 3;
const foreignShare = 0.6;

/**
 * Why a caption is taken for another language than English, or undefined. Conservative: most letters of another
 * script, or most words unknown to WordNet and to the list of English function words; names (capital letters within
 * the sentence), numbers and short captions say nothing.
 */
export const otherLanguage = (caption: string, wordNet: WordNet): string | undefined => {
  const letters = caption.match(/\p{L}/gu)?.length ?? 0;
  for (const [name, pattern] of scripts)
    if ((caption.match(pattern)?.length ?? 0) * 2 > letters) return `its letters are ${name}`;
  const latin = caption.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (latin * 2 < letters) return "most of its letters are not Latin";
  const words = (caption.match(/[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu) ?? []).filter(
    (word, at) => word.length > 1 && (at === 0 || !/^\p{Lu}/u.test(word)),
  );
  const unknown = words.filter((word) => !isEnglish(word.toLowerCase(), wordNet));
  if (unknown.length < fewestWords || unknown.length < foreignShare * words.length) return undefined;
  return `${unknown.length} of its ${words.length} words are no English ("${unknown.slice(0, 3).join('", "')}")`;
};

/** Words that WordNet lists for rare English senses and that other languages use all the time. */
const doubtful: ReadonlySet<string> = new Set(
  `la le un en de du des et il una uno al da el las los que se si su por con ein im der den das dem es er
  hat ist sie mit und auf zu het van te na op om ta ma os para em um ne sa ce au ho har att det som pa til
  av og sin han`.split(/\s+/),
);

const isEnglish = (word: string, wordNet: WordNet): boolean => {
  const plain = word
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/['’](?:s|t|re|ve|ll|d|m)?$/u, "");
  if (doubtful.has(plain)) return false;
  return closedTags.has(plain) || parts.some((part) => wordNet.lemmas(plain, part).length > 0);
};
