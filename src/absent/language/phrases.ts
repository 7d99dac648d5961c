import { adjuncts, portions } from "./lexicon.ts";
import { nounLemma, type Word } from "./tagger.ts";
import type { WordNet } from "./wordnet.ts";

/** A noun phrase: words `start` up to and without `end`, and what its head says. */
export interface NounPhrase {
  readonly start: number;
  readonly end: number;
  /** Lemma of the head; undefined for pronouns and what is no object (times, ways). */
  readonly head?: string;
  /** "it" or "them", which stand for something said before. */
  readonly pronoun?: "one" | "many";
  readonly plural: boolean;
}

const determiners: ReadonlySet<string> = new Set(["DT", "PS"]);

/** True for the tags of nouns. */
export const isNoun = (word: Word | undefined): boolean => word?.tag === "NN" || word?.tag === "NNS";
/** True for the tags of full verbs. */
export const isVerb = (word: Word | undefined): boolean => word !== undefined && /^VB/.test(word.tag);

/** True when the word at `at` can stand before the noun of a phrase. */
const isModifier = (words: readonly Word[], at: number): boolean => {
  const { tag } = words[at]!;
  if (determiners.has(tag) || tag === "NUM" || tag === "JJ") return true;
  if (tag === "VBN" || tag === "VBG") return leadsToNoun(words, at + 1);
  if (tag === "RB") return words[at + 1]?.tag === "JJ" || words[at + 1]?.tag === "NUM";
  if (tag === "," || tag === "CC")
    return words[at - 1]?.tag === "JJ" && words[at + 1]?.tag === "JJ" && leadsToNoun(words, at + 1);
  return false;
};

const leadsToNoun = (words: readonly Word[], from: number): boolean => {
  let at = from;
  while (words[at]?.tag === "JJ" || words[at]?.tag === "NUM") at++;
  return isNoun(words[at]);
};

/** The noun phrase that begins at `start`, if one does. */
export const nounPhraseAt = (
  words: readonly Word[],
  start: number,
  wordNet: WordNet,
): NounPhrase | undefined => {
  const first = words[start];
  if (first === undefined || (first.tag === "VBG" && !isNoun(words[start + 1]))) return undefined;
  if (first.tag === "VBG" && words[start - 1]?.tag !== "RP" && words[start - 1]?.tag !== "IN")
    return undefined;
  if (first.tag === "PRO" || (first.tag === "PRP" && first.text === "it")) {
    const pronoun = first.text === "it" ? "one" : first.text === "them" ? "many" : undefined;
    return { start, end: start + 1, plural: first.text === "them", ...(pronoun && { pronoun }) };
  }
  // "Each other", "one another": they act on themselves.
  if (
    /^(?:each|one)$/.test(first.text) &&
    /^(?:an)?other$/.test(words[start + 1]?.text ?? "") &&
    !isNoun(words[start + 2]) &&
    words[start + 2]?.tag !== "PS"
  )
    return { start, end: start + 2, plural: false };
  let at = start;
  let head: number | undefined;
  while (at < words.length) {
    const word = words[at]!;
    if (isNoun(word)) head = at++;
    else if (word.tag === "PS" && head !== undefined) at++;
    else if (isModifier(words, at) && (head === undefined || words[at - 1]!.tag === "PS")) {
      // A second determiner begins another phrase.
      if (at > start && word.tag === "DT" && words[at - 1]!.tag !== "DT") break;
      at++;
    } else break;
  }
  if (at === start) return undefined;
  const of = words[at];
  const count = words[at - 1]!;
  if (of?.text === "of" && portions.has(head === undefined ? count.text : nounLemma(words[head]!, wordNet))) {
    const inner = nounPhraseAt(words, at + 1, wordNet);
    if (inner !== undefined && (inner.head !== undefined || inner.pronoun !== undefined))
      return { ...inner, start };
  }
  if (head === undefined) {
    const alone = count.tag === "NUM" && !/\p{N}/u.test(count.text);
    if (!alone && count.tag !== "JJ" && count.tag !== "DT") return undefined;
    // "Whisks the white", "strikes a lighter"
    const noun =
      first.tag === "DT" && count.tag === "JJ" && at === start + 2 && wordNet.has(count.text, "noun");
    if (noun && !portions.has(count.text)) return { start, end: at, plural: false, head: count.text };
    return { start, end: at, plural: true, ...(alone && { pronoun: "many" }) };
  }
  const lemma = nounLemma(words[head]!, wordNet);
  const bare = words.slice(start, head).every(({ tag }) => tag === "NUM" || tag === "DT" || tag === "JJ");
  const named = !(bare && adjuncts.has(lemma));
  return { start, end: at, plural: words[head]!.tag === "NNS", ...(named && { head: lemma }) };
};

/** Start of the noun phrase whose last word is at `last`. */
export const phraseStart = (words: readonly Word[], last: number): number => {
  let start = last;
  while (start > 0) {
    const before = words[start - 1]!;
    if (determiners.has(words[start]!.tag) && before.tag !== "DT" && words[start]!.tag !== "PS") break;
    if (isNoun(before) && words[start]!.tag !== "PS" && !isNoun(words[start])) break;
    if (!isNoun(before) && !isModifier(words, start - 1)) break;
    start--;
  }
  return start;
};
