import {
  emptyVerbs,
  endingVerbs,
  lastingStates,
  mediaNouns,
  movers,
  postureVerbs,
  statives,
  unrealVerbs,
  visibleStates,
} from "./lexicon.ts";
import { isNoun, isVerb, phraseStart } from "./phrases.ts";
import { nounLemma, verbLemma, type Word } from "./tagger.ts";
import type { WordNet } from "./wordnet.ts";

/** WordNet's lexicographer files of verbs: body, change, cognition, emotion, motion, stative, weather. */
const files = { body: 29, change: 30, cognition: 31, emotion: 37, motion: 38, stative: 42, weather: 43 };
/** And of nouns that act by themselves: animal, body part, person. */
const actors: ReadonlySet<number> = new Set([5, 8, 18]);

/** A sentence with the lemma of every full verb. */
export interface Reading {
  readonly words: readonly Word[];
  readonly lemmas: readonly (string | undefined)[];
  readonly wordNet: WordNet;
}

/** Reads the verbs of a tagged sentence. */
export const readingOf = (words: readonly Word[], wordNet: WordNet): Reading => ({
  words,
  wordNet,
  lemmas: words.map((word, at) => {
    if (word.tag === "HV") return words[at + 1]?.tag === "DT" ? "have" : undefined;
    if (!isVerb(word)) return undefined;
    return (
      verbLemma(word.text, wordNet) ??
      word.text.replace(/(?:ing|ed|s)$/, "").replace(/([bdfgklmnprtv])\1$/, "$1")
    );
  }),
});

/**
 * Heads of the subjects before `at`, the nearest first: noun phrases that are neither objects nor behind a preposition;
 * undefined for pronouns.
 */
export const subjectsBefore = ({ words, wordNet }: Reading, at: number): (string | undefined)[] => {
  const found: (string | undefined)[] = [];
  for (let last = at - 1; last >= 0; last--) {
    if (words[last]!.tag === "PRP") found.push(undefined);
    if (!isNoun(words[last])) continue;
    const start = phraseStart(words, last);
    const before = words[start - 1];
    const head = last;
    last = start;
    if (before !== undefined && (/^(?:IN|TO|RP|PRO)$/.test(before.tag) || isVerb(before))) continue;
    found.push(nounLemma(words[head]!, wordNet));
  }
  return found;
};

/** Head of the clause's subject before `at`; undefined for a pronoun or none. */
export const subjectOf = (reading: Reading, at: number): string | undefined => subjectsBefore(reading, at)[0];

/** True when the participle at `at` has an auxiliary of the passive before it, or is joined to one that has. */
export const isPassive = (reading: Reading, at: number): boolean => {
  const { words, lemmas } = reading;
  if (words[at]!.tag !== "VBN" && words[at]!.tag !== "VBD") return false;
  for (let i = at - 1; i >= 0; i--) {
    const { tag } = words[i]!;
    if (tag === "BE" || (lemmas[i] === "get" && i === at - 1)) return true;
    if (tag === "RB" || tag === "NEG") continue;
    if (tag !== "CC" && tag !== ",") return false;
    for (let k = i - 1; k >= 0 && words[k]!.tag !== "SC" && words[k]!.tag !== "WP"; k--)
      if (isVerb(words[k])) return words[k]!.tag === "VBN" && isPassive(reading, k);
    return false;
  }
  return false;
};

/** True when the words before `at` say that the verb there does not happen: negation, condition, wish, prevention. */
export const isUnreal = (reading: Reading, at: number): boolean => {
  const { words, lemmas } = reading;
  const { tag } = words[at]!;
  let i = at - 1;
  for (; i >= 0 && /^(?:RB|BE|HV|MD|TO|NEG)$/.test(words[i]!.tag); i--) {
    const { tag: auxiliary, text } = words[i]!;
    if (auxiliary === "NEG" || /^(?:hardly|barely)$/.test(text)) return true;
    if (auxiliary === "MD" && !/^d(?:o|oes|id)$|^(?:will|can|'ll)$/.test(text)) return true;
    if (auxiliary === "TO" && unrealGovernor(reading, i)) return true;
  }
  const before = words[i];
  if (/^(?:nobody|nothing|none|neither)$/.test(before?.text ?? "")) return true;
  if (isNoun(before) && words[phraseStart(words, i)]!.text === "no") return true;
  if (tag === "VBG" && before !== undefined) {
    if (before.text === "without" || (before.text === "no" && i === at - 1)) return true;
    if (before.text === "of" && words[i - 1]?.text === "instead") return true;
    if (endingVerbs.has(lemmas[i] ?? "")) return true;
    if (
      before.text === "from" &&
      lemmas.slice(0, i).some((lemma) => /^(?:prevent|stop|keep|avoid|block|hinder)$/.test(lemma ?? ""))
    )
      return true;
  }
  for (let k = at - 1; k >= 0; k--) {
    const { text, tag: mark } = words[k]!;
    if (/^(?:if|unless|whether)$/.test(text)) return true;
    if (text === "before" && clipEnds(reading, k)) return true;
    if (mark === "," && words[k + 1]?.tag !== "CC") break;
  }
  // "is not walking or running", "wants to jump and swim"
  if (before?.tag === "CC" && (tag === "VB" || tag === "VBG"))
    for (let k = i - 1; k >= 0 && !/^(?:SC|WP|PRP|,)$/.test(words[k]!.tag); k--)
      if (isVerb(words[k])) return words[k]!.tag === tag && isUnreal(reading, k);
  return false;
};

const unrealGovernor = ({ words, lemmas }: Reading, to: number): boolean => {
  const before = words[to - 1];
  if (before === undefined) return false;
  if (/^(?:about|ready|unable|supposed|reluctant|hard|impossible|way|how-not)$/.test(before.text))
    return true;
  if (lemmas[to - 1] === "go" && before.tag === "VBG") return true;
  for (let i = to - 1; i >= 0 && i >= to - 5 && !/^(?:,|SC|CC)$/.test(words[i]!.tag); i--)
    if (lemmas[i] !== undefined) return unrealVerbs.has(lemmas[i]!);
  return false;
};

const clipEnds = ({ words, lemmas, wordNet }: Reading, before: number): boolean =>
  words.some(
    (word, at) =>
      at < before &&
      isNoun(word) &&
      mediaNouns.has(nounLemma(word, wordNet)) &&
      /^(?:end|stop|cut)$/.test(lemmas[at + 1] ?? ""),
  );

/** True when the verb by its meaning and its neighbours is no visible action. */
export const isEmptyVerb = (reading: Reading, at: number, lemma: string): boolean => {
  const { words, wordNet } = reading;
  if (emptyVerbs.has(lemma)) return true;
  const next = words[at + 1];
  if ((lemma === "come" || lemma === "go") && next?.tag === "VBG") return true;
  if ((lemma === "come" || lemma === "go") && next?.tag === "TO" && isVerb(words[at + 2])) return true;
  if (lemma === "lead" && (next === undefined || next.tag === "IN" || next.tag === "TO" || next.tag === "RP"))
    return true;
  if (lemma === "set" && next?.text === "about") return true;
  if (lemma === "make" && next?.text === "sure") return true;
  if (lemma === "take" && next?.text === "place") return true;
  if (lemma === "take" && (next?.text === "turns" || next?.text === "part")) return true;
  if (lemma === "look" && (next?.tag === "JJ" || next?.text === "like" || next?.text === "as")) return true;
  if (lemma === "appear" && (next?.tag === "JJ" || next?.tag === "TO")) return true;
  if (
    lemma === "show" ||
    lemma === "look" ||
    lemma === "display" ||
    lemma === "present" ||
    lemma === "demonstrate"
  ) {
    if (words.slice(at + 1, at + 4).some(({ text }) => text === "how") || isPassive(reading, at)) return true;
    const subject = subjectOf(reading, at);
    if (subject !== undefined && mediaNouns.has(subject)) return true;
    const file = subject === undefined ? undefined : wordNet.entry(subject, "noun")?.lexicographerFile;
    if (lemma !== "look" && file !== undefined && !actors.has(file)) return true;
  }
  const file = wordNet.entry(lemma, "verb")?.lexicographerFile;
  const state = file === files.cognition || file === files.emotion || file === files.stative;
  return state && !visibleStates.has(lemma) && !postureVerbs.has(lemma) && wordNet.count(lemma, "verb") > 2;
};

/**
 * What a participle says that is no part of a tense: "before" a noun (an action only if what moves moves by itself),
 * "after" one, or "none" when it is an ordinary verb.
 */
export const participleUse = (reading: Reading, at: number): "state" | "action" | "none" => {
  const { words, wordNet, lemmas } = reading;
  const { tag, text } = words[at]!;
  const [before, next] = [words[at - 1], words[at + 1]];
  if (tag === "VBG") {
    if (
      before !== undefined &&
      isNoun(before) &&
      (next?.text === "of" || wordNet.has(`${before.text}_${text}`, "noun"))
    )
      return "state";
    if (isNoun(next) && namesThing(reading, at)) return "state";
    if (
      /^(?:wear|have|hold|carry|eat|drink|pour|use|cut|slice)$/.test(lemmas[at - 1] ?? "") &&
      leads(words, at + 1)
    )
      return "state";
    const article =
      before?.tag === "DT" || before?.tag === "PS" || before?.tag === "JJ" || before?.tag === "NUM";
    const inPhrase =
      article ||
      /^(?:of|with|in|on|at|near|from|to|behind|through|during|under|over|into)$/.test(before?.text ?? "");
    if (article && next?.text === "of") return "action";
    let noun = at + 1;
    while (words[noun]?.tag === "JJ") noun++;
    if (!isNoun(words[noun])) return article ? "state" : "none";
    while (isNoun(words[noun + 1])) noun++;
    // "Running water fills the tub" has its verb behind.
    const starts = before === undefined || before.tag === ",";
    if (!inPhrase && !(starts && /^(?:VBZ|VBD|BE|MD|HV)$/.test(words[noun + 1]?.tag ?? ""))) return "none";
    const head = nounLemma(words[noun]!, wordNet);
    const file = wordNet.entry(lemmas[at]!, "verb")?.lexicographerFile;
    const moves =
      file === files.motion || file === files.body || file === files.change || file === files.weather;
    const itself = movers.has(head) || actors.has(wordNet.entry(head, "noun")?.lexicographerFile ?? -1);
    return moves && itself ? "action" : "state";
  }
  if (tag !== "VBN" && tag !== "VBD") return "none";
  if (isPassive(reading, at)) {
    if (lastingStates.has(lemmas[at]!)) return words[at - 1]?.text === "being" ? "none" : "state";
    const agent = words.slice(at).some(({ text: by }) => by === "by");
    return statives.has(lemmas[at]!) && !agent && stays(words, at) ? "state" : "none";
  }
  if (text === "followed" && next?.text === "by" && !isNoun(before) && !isPassive(reading, at))
    return "state";
  if (/^(?:DT|JJ|PS|NUM)$/.test(before?.tag ?? "") && (isNoun(next) || next?.tag === "JJ")) return "state";
  if (tag === "VBN" && (isNoun(next) || next?.tag === "JJ") && before?.tag !== "HV") return "state";
  if (statives.has(lemmas[at]!) && isNoun(next) && (before?.tag === "CC" || before?.tag === ","))
    return "state";
  if (tag === "VBN" && before?.tag === "HV") return "none";
  if (isNoun(before) && absolute(words, at)) return "state";
  if (tag === "VBD")
    return statives.has(lemmas[at]!) && isNoun(before) && /^(?:RB|IN)$/.test(next?.tag ?? "")
      ? "state"
      : "none";
  if (words.slice(at + 1, at + 4).some(({ text: by }) => by === "by") && !statives.has(lemmas[at]!))
    return "none";
  return isNoun(before) &&
    /^(?:into|onto|across|through|towards?|out|off|away|over)$/.test(next?.text ?? "") &&
    !statives.has(lemmas[at]!)
    ? "none"
    : "state";
};

/** True when adjectives and a noun follow. */
const leads = (words: readonly Word[], from: number): boolean => {
  let at = from;
  while (words[at]?.tag === "JJ") at++;
  return isNoun(words[at]);
};

/** "Swimming pool", "boxing gloves": WordNet has the two as one noun. */
const namesThing = ({ words, wordNet }: Reading, at: number): boolean =>
  wordNet.has(`${words[at]!.text}_${nounLemma(words[at + 1]!, wordNet)}`, "noun") ||
  wordNet.has(`${words[at]!.text}_${words[at + 1]!.text}`, "noun");

/** "is parked" is a state, "is being parked", "gets parked" or "was opened" are not. */
const stays = (words: readonly Word[], at: number): boolean =>
  !words
    .slice(Math.max(0, at - 3), at)
    .some(({ text }) => /^(?:being|gets|get|got|getting|was|were)$/.test(text));

/** True for "with one arm raised", "hands locked". */
const absolute = (words: readonly Word[], at: number): boolean => {
  const start = phraseStart(words, at - 1);
  const before = words[start - 1];
  return before?.text === "with" || (before?.tag === "," && words[start]!.tag !== "DT");
};
