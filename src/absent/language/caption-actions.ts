import { type Word, wordsOf } from "./clauses.ts";
import {
  changeParticles,
  directions,
  emptyVerbs,
  eventNouns,
  functionWords,
  negations,
  postureVerbs,
  shotWords,
} from "./lexicon.ts";
import type { WordNet } from "./wordnet.ts";

/** Something that visibly happens: the verb's lemma (or an event's noun) and the head noun of what it happens to. */
export interface CaptionAction {
  readonly action: string;
  readonly object?: string;
}

/** WordNet's lexicographer file of verbs of walking, flying, swimming. */
const motionVerbs = 38;

const isVerb = (word: Word): boolean => word.tags.has("Verb");
const isAuxiliary = (word: Word): boolean =>
  word.tags.has("Auxiliary") || word.tags.has("Copula") || word.tags.has("Modal");
const isDeterminer = (word: Word | undefined): boolean =>
  word !== undefined && (word.tags.has("Determiner") || word.tags.has("Possessive"));
const isNounLike = (word: Word | undefined): boolean =>
  word !== undefined && (word.tags.has("Noun") || word.tags.has("Pronoun")) && !isDeterminer(word);

/**
 * The visible actions of a caption in the order of their words.
 *
 * The tagger's verbs count, less auxiliaries, negated ones, empty ones and mere postures; words that it took for
 * nouns or adjectives count when they stand where a verb must (after a noun and before something that follows verbs,
 * or after "and"/"then" behind an earlier verb) and WordNet knows them as verbs; a sentence without any verb gives
 * the events that its nouns name.
 *
 * @source ours; precision and recall in docs/keywords.md
 */
export const captionActions = (caption: string, wordNet: WordNet): CaptionAction[] => {
  const words = wordsOf(caption);
  const actions: CaptionAction[] = [];
  let start = 0;
  for (let at = 1; at <= words.length; at++)
    if (at === words.length || words[at]!.startsSentence) {
      actions.push(...sentenceActions(words.slice(start, at), wordNet));
      start = at;
    }
  const seen = new Set<string>();
  return actions.filter(({ action, object }) => {
    const key = `${action} ${object ?? ""}`;
    return !seen.has(key) && seen.add(key);
  });
};

const sentenceActions = (words: readonly Word[], wordNet: WordNet): CaptionAction[] => {
  const verbs = words.map((_, at) => verbAt(words, at, wordNet));
  const found: CaptionAction[] = [];
  for (let at = 0; at < words.length; at++) {
    const lemma = verbs[at];
    if (lemma === undefined || isEmpty(words, at, lemma)) continue;
    const object = isPassive(words, at)
      ? subjectOf(words, at, verbs, wordNet)
      : objectOf(words, at, verbs, wordNet);
    found.push(object === undefined ? { action: lemma } : { action: lemma, object });
  }
  if (verbs.some((lemma) => lemma !== undefined)) return found;
  return words.flatMap((word) => {
    const noun = wordNet.lemmas(word.text, "noun")[0];
    return noun !== undefined && eventNouns.has(noun) ? [{ action: noun }] : [];
  });
};

/** The verb's lemma when the word at `at` is used as a full verb, else undefined. */
const verbAt = (words: readonly Word[], at: number, wordNet: WordNet): string | undefined => {
  const word = words[at]!;
  const lemma = lemmaOf(word.text, wordNet);
  if (lemma === undefined || shotWords.has(word.text) || particles.has(word.text)) return undefined;
  const before = words[at - 1];
  const after = words[at + 1];
  if (isVerb(word)) {
    if (isAuxiliary(word)) return undefined;
    const inflected = /(?:ed|ing)$/.test(word.text);
    if (isDeterminer(before) && !before!.breakAfter) return attributive(word, after, lemma, wordNet);
    if (inflected && before !== undefined && !before.breakAfter && beforeNoun(before) && isNounLike(after))
      return attributive(word, after, lemma, wordNet);
    return lemma;
  }
  return standsForVerb(words, at) ? lemma : undefined;
};

const beforeNoun = (word: Word): boolean =>
  word.tags.has("Adjective") || word.tags.has("Value") || word.tags.has("Preposition");

/** "a passing boat" moves, "the parked car" does not. */
const attributive = (
  word: Word,
  after: Word | undefined,
  lemma: string,
  wordNet: WordNet,
): string | undefined => {
  const moves = wordNet.entry(lemma, "verb")?.lexicographerFile === motionVerbs;
  return word.text.endsWith("ing") && moves && after !== undefined ? lemma : undefined;
};

/** Third-person forms that also are plural nouns (flicks, barks, swings) stand where only a verb can. */
const standsForVerb = (words: readonly Word[], at: number): boolean => {
  const word = words[at]!;
  if (!/[^s]s$/.test(word.text) || word.tags.has("Possessive") || word.tags.has("Pronoun")) return false;
  const before = words[at - 1];
  const after = words[at + 1];
  if (before === undefined || isDeterminer(before) || before.tags.has("Value")) return false;
  const follows =
    word.breakAfter ||
    after === undefined ||
    functionWords.has(after.text) ||
    after.tags.has("Determiner") ||
    after.tags.has("Adverb") ||
    after.tags.has("Possessive");
  const afterSubject = isNounLike(before) && !before.breakAfter && !nearVerb(words, at);
  const afterConjunction = /^(?:and|then|or|but|that|who|which|suddenly|also|briefly)$/.test(before.text);
  const afterComma = before.breakAfter;
  if (afterSubject) return follows;
  const earlierVerb = words
    .slice(0, at)
    .some((other, i) => isVerb(other) || (i > 0 && standsForVerb(words, i)));
  return (
    (afterConjunction || afterComma) && follows && (earlierVerb || /^(?:that|who|which)$/.test(before.text))
  );
};

/** True when the clause up to `at` has a verb already, so that a noun phrase is its object. */
const nearVerb = (words: readonly Word[], at: number): boolean => {
  for (let i = at - 1; i >= 0 && !words[i]!.breakAfter; i--) {
    if (
      words[i]!.tags.has("Conjunction") ||
      /^(?:while|when|as|that|who|which|because|until)$/.test(words[i]!.text)
    )
      return false;
    if (isVerb(words[i]!) && !isAuxiliary(words[i]!)) return true;
  }
  return false;
};

const lemmaOf = (text: string, wordNet: WordNet): string | undefined => {
  const candidates = wordNet.lemmas(text, "verb");
  return candidates.length < 2
    ? candidates[0]
    : candidates.reduce((best, lemma) =>
        wordNet.entry(lemma, "verb")!.taggedSenses > wordNet.entry(best, "verb")!.taggedSenses ? lemma : best,
      );
};

const isEmpty = (words: readonly Word[], at: number, lemma: string): boolean => {
  if (emptyVerbs.has(lemma)) return true;
  const after = words[at + 1]?.text ?? "";
  if (postureVerbs.has(lemma) && !changeParticles.has(after)) return true;
  if (/ing$/.test(words[at]!.text) && words[at - 1] !== undefined && negations.has(words[at - 1]!.text))
    return true;
  for (let i = at - 1; i >= 0 && i >= at - 3 && !words[i]!.breakAfter; i--) {
    if (negations.has(words[i]!.text) || words[i]!.tags.has("Negative")) return true;
    if (!isAuxiliary(words[i]!) && !words[i]!.tags.has("Adverb")) break;
  }
  return false;
};

const isPassive = (words: readonly Word[], at: number): boolean => {
  if (!/(?:ed|en|n|t|k|ung|g|d)$/.test(words[at]!.text) || /ing$/.test(words[at]!.text)) return false;
  for (let i = at - 1; i >= 0 && i >= at - 3; i--) {
    if (/^(?:is|are|was|were|be|been|being|gets|get|got)$/.test(words[i]!.text)) return true;
    if (!words[i]!.tags.has("Adverb")) return false;
  }
  return false;
};

/**
 * Head of the noun phrase that directly follows the verb; a particle may stand between when WordNet knows the two as
 * one verb (switch off the light, but: roll | down the slope). "It" and "them" stand for the noun said last.
 */
const objectOf = (
  words: readonly Word[],
  verb: number,
  verbs: readonly (string | undefined)[],
  wordNet: WordNet,
): string | undefined => {
  if (words[verb]!.breakAfter) return undefined;
  let at = verb + 1;
  const next = words[at];
  if (next !== undefined && particles.has(next.text)) {
    const moves = wordNet.entry(verbs[verb]!, "verb")?.lexicographerFile === motionVerbs;
    const oneVerb = !moves && wordNet.entry(`${verbs[verb]}_${next.text}`, "verb") !== undefined;
    if (next.breakAfter || !oneVerb) return undefined;
    at++;
  }
  const pronoun = words[at];
  if (pronoun === undefined || (pronoun.text !== "it" && pronoun.text !== "them"))
    return headFrom(words, at, verbs, wordNet);
  for (let i = verb - 1; i >= 0; i--) {
    const head =
      verbs[i] === undefined && words[i]!.tags.has("Noun") ? nounLemma(words[i]!, wordNet) : undefined;
    if (head !== undefined) return head;
  }
  return undefined;
};

/** Words that, after a verb, belong to it or begin a phrase of place. */
const particles: ReadonlySet<string> = new Set([
  "up",
  "out",
  "off",
  "down",
  "over",
  "back",
  "away",
  "in",
  "on",
  "under",
  "head-on",
]);

/** The lemma of a noun, out of its plural where it is one; undefined for pronouns and possessives. */
const nounLemma = (word: Word, wordNet: WordNet): string | undefined => {
  if (word.tags.has("Pronoun") || word.tags.has("Possessive")) return undefined;
  const lemmas = wordNet.lemmas(word.text, "noun");
  return word.tags.has("Plural") ? (lemmas.find((lemma) => lemma !== word.text) ?? lemmas[0]) : lemmas[0];
};

const headFrom = (
  words: readonly Word[],
  from: number,
  verbs: readonly (string | undefined)[],
  wordNet: WordNet,
): string | undefined => {
  let head: string | undefined;
  for (let at = from; at < words.length; at++) {
    const word = words[at]!;
    if (verbs[at] !== undefined || (word.tags.has("Pronoun") && !isDeterminer(word))) break;
    const noun = nounLemma(word, wordNet);
    const inside =
      isDeterminer(word) || word.tags.has("Adjective") || word.tags.has("Value") || word.tags.has("Noun");
    if (!inside || directions.has(word.text) || word.tags.has("Preposition") || word.tags.has("Conjunction"))
      break;
    if (word.tags.has("Noun") && !word.tags.has("Possessive") && noun !== undefined) head = noun;
    if (word.breakAfter) break;
  }
  return head;
};

/** Head of the noun phrase before the verb's auxiliaries. */
const subjectOf = (
  words: readonly Word[],
  verb: number,
  verbs: readonly (string | undefined)[],
  wordNet: WordNet,
): string | undefined => {
  for (let at = verb - 1; at >= 0; at--) {
    const word = words[at]!;
    if (verbs[at] !== undefined && !isAuxiliary(word)) return subjectOf(words, at, verbs, wordNet);
    const head = word.tags.has("Noun") ? nounLemma(word, wordNet) : undefined;
    if (head !== undefined && !isPrepositional(words, at)) return head;
  }
  return undefined;
};

const isPrepositional = (words: readonly Word[], at: number): boolean => {
  for (let i = at - 1; i >= 0 && at - i <= 3; i--) {
    if (words[i]!.tags.has("Preposition")) return true;
    if (!isDeterminer(words[i]) && !words[i]!.tags.has("Adjective")) return false;
  }
  return false;
};
