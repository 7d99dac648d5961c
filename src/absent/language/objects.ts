import { goingVerbs, particleVerbs } from "./lexicon.ts";
import { isNoun, type NounPhrase, nounPhraseAt } from "./phrases.ts";
import type { Reading } from "./verbs.ts";

/** Words that can be particles of verbs. */
const particles: ReadonlySet<string> = new Set(
  "up down out off on over away back in around apart together".split(" "),
);

/** What follows a verb: its particle, its object, and who receives it. */
export interface Complement {
  readonly particle?: string;
  readonly object?: NounPhrase;
  readonly recipient?: NounPhrase;
  /** The word behind all of it. */
  readonly end: number;
}

/** The particle that stands at `at` by itself, without a noun phrase of its own. */
const freeParticle = (reading: Reading, at: number): string | undefined => {
  const { words, wordNet } = reading;
  const word = words[at];
  if (word === undefined || !particles.has(word.text) || !/^(?:RP|IN|RB|JJ)$/.test(word.tag))
    return undefined;
  const next = words[at + 1];
  if (next?.text === "of" || next?.text === "side") return undefined;
  if (next?.tag === "CC" && /^(?:forth|down|out|off|again|over|up|on)$/.test(words[at + 2]?.text ?? ""))
    return undefined;
  if (next?.text === "one" && /^(?:after|by)$/.test(words[at + 2]?.text ?? "")) return word.text;
  if (word.text === "away" || word.text === "apart") return word.text;
  if (word.text === "back" && !isNoun(next)) return word.text;
  const phrase = nounPhraseAt(words, at + 1, wordNet);
  return phrase === undefined || (word.text !== "in" && isTime(reading, phrase)) ? word.text : undefined;
};

/** "Sits down the next moment": a time is no object of the particle. */
const isTime = ({ words }: Reading, phrase: NounPhrase): boolean =>
  phrase.head === undefined && /^(?:time|moment|second|minute|hour|day)s?$/.test(words[phrase.end - 1]!.text);

/** True when the verb takes the particle although a noun phrase follows: "turns on the light". */
const ownsParticle = ({ wordNet }: Reading, lemma: string, particle: string): boolean => {
  if (particle === "up")
    return (
      !goingVerbs.has(lemma) && (wordNet.has(`${lemma}_up`, "verb") || wordNet.transitivity(lemma) !== "none")
    );
  return particleVerbs.get(particle)?.has(lemma) ?? false;
};

/** Particle and object behind the verb at `verb`; the phrase of "let go of X" and "get off X" counts as object. */
export const complementOf = (reading: Reading, verb: number, lemma: string): Complement => {
  const { words, wordNet } = reading;
  let at = verb + 1;
  while (words[at]?.tag === "RB" && !particles.has(words[at]!.text)) at++;
  let particle = freeParticle(reading, at);
  const word = words[at]?.text ?? "";
  const free = particle !== undefined;
  if (free) at++;
  else if (particles.has(word) && nounPhraseAt(words, at + 1, wordNet) !== undefined) {
    const boards = lemma === "get" && /^(?:in|on|off)$/.test(word);
    if (!boards && !ownsParticle(reading, lemma, word)) return { end: at };
    particle = word;
    at++;
  } else if (lemma === "get" && /^(?:into|onto)$/.test(word)) particle = words[at++]!.text;
  const started = particle === undefined ? {} : { particle };
  if (free && !/^(?:away|apart|back)$/.test(word)) return { ...started, end: at };
  const first = nounPhraseAt(words, at, wordNet);
  if (first === undefined || (words[at]!.tag === "RB" && first.head === undefined))
    return { ...started, end: at };
  return { ...started, ...objectsFrom(reading, first, lemma, particle === undefined) };
};

/** Person or animal that can be given something. */
const canReceive = ({ wordNet }: Reading, { head }: NounPhrase): boolean => {
  if (head === undefined) return true;
  const file = wordNet.entry(head, "noun")?.lexicographerFile;
  return file === 18 || file === 5 || file === 6;
};

const objectsFrom = (
  reading: Reading,
  first: NounPhrase,
  lemma: string,
  wantsParticle: boolean,
): Complement => {
  const { words, wordNet } = reading;
  let object = first;
  let recipient: NounPhrase | undefined;
  const second = /^(?:DT|NUM|JJ|NN|NNS)$/.test(words[first.end]?.tag ?? "")
    ? nounPhraseAt(words, first.end, wordNet)
    : undefined;
  if (second?.head !== undefined && receives(lemma) && canReceive(reading, first)) {
    recipient = first;
    object = second;
  }
  let end = object.end;
  const onto = words[end]?.text === "on" && words[end + 1]?.text === "to";
  let particle = wantsParticle && !onto ? freeParticle(reading, end) : undefined;
  if (particle === undefined && wantsParticle && words[end]?.tag === "CC") {
    const other = nounPhraseAt(words, end + 1, wordNet);
    if (other !== undefined) particle = freeParticle(reading, other.end);
  }
  if (particle !== undefined) end++;
  return { object, end, ...(recipient && { recipient }), ...(particle && { particle }) };
};

const receives = (lemma: string): boolean =>
  /^(?:give|hand|throw|offer|show|toss|pass|feed|send|bring|buy|tell|teach|pay|serve|pour|award|lend|sell|deal|slip)$/.test(
    lemma,
  );
