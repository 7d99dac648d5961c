import {
  changeParticles,
  eventNouns,
  lightVerbs,
  postureVerbs,
  takesObject,
  verbalNouns,
  verblessEvents,
} from "./lexicon.ts";
import { type Complement, complementOf } from "./objects.ts";
import { isNoun, isVerb, type NounPhrase, nounPhraseAt, phraseStart } from "./phrases.ts";
import { sentencesOf } from "./sentences.ts";
import { nounLemma, tagged } from "./tagger.ts";
import {
  isEmptyVerb,
  isPassive,
  isUnreal,
  participleUse,
  type Reading,
  readingOf,
  subjectOf,
  subjectsBefore,
} from "./verbs.ts";
import type { WordNet } from "./wordnet.ts";

/** Something that visibly happens. */
export interface CaptionAction {
  /** The verb's lemma with its particle ("pick up"), or an event's noun. */
  readonly action: string;
  /** Head noun (lemma) of what it happens to. */
  readonly object?: string;
}

/** What was said before and "it" or "them" can mean. */
interface Said {
  readonly head: string;
  readonly plural: boolean;
}

/**
 * The visible actions of a caption in the order of their words, each once: full verbs with particle and object, less
 * what is negated, only wanted, a state or a posture; event nouns where no counted verb takes them.
 *
 * @source ours; rules, precision and recall in docs/keywords.md
 */
export const captionActions = (caption: string, wordNet: WordNet): CaptionAction[] => {
  const actions: CaptionAction[] = [];
  const objects: Said[] = [];
  for (const sentence of sentencesOf(caption))
    actions.push(...sentenceActions(readingOf(tagged(sentence, wordNet), wordNet), objects));
  const seen = new Set<string>();
  return actions.filter(({ action, object }) => {
    const key = `${action} ${object ?? ""}`;
    return !seen.has(key) && seen.add(key);
  });
};

/** @param objects objects of earlier verbs, added to */
const sentenceActions = (reading: Reading, objects: Said[]): CaptionAction[] => {
  const { words, lemmas } = reading;
  const found = new Map<number, CaptionAction>();
  const consumed = new Set<number>();
  let skip = -1;
  for (let at = 0; at < words.length; at++) {
    const lemma = lemmas[at];
    if (lemma === undefined || at === skip) continue;
    const letGo = lemma === "let" && /^go(?:es|ing)?$/.test(words[at + 1]?.text ?? "");
    if (letGo) skip = at + 1;
    const read = letGo ? letGoOf(reading, at) : verbAction(reading, at, lemma, objects);
    if (read === undefined) {
      // What is held or used can be "it" later.
      const { object } = complementOf(reading, at, lemma);
      if (object?.head !== undefined && participleUse(reading, at) === "none")
        objects.push({ head: object.head, plural: object.plural });
      continue;
    }
    const { action, phrases } = read;
    found.set(at, action);
    for (const { start, end } of phrases) for (let i = start; i < end; i++) consumed.add(i);
    for (const phrase of phrases)
      if (phrase.head !== undefined) objects.push({ head: phrase.head, plural: phrase.plural });
  }
  for (const [at, action] of eventsOf(reading, consumed)) found.set(at, action);
  return [...found].sort(([a], [b]) => a - b).map(([, action]) => action);
};

interface Read {
  readonly action: CaptionAction;
  /** The object's phrase, if it has one. */
  readonly phrases: readonly NounPhrase[];
}

const letGoOf = ({ words, wordNet }: Reading, at: number): Read => {
  const phrase = words[at + 2]?.text === "of" ? nounPhraseAt(words, at + 3, wordNet) : undefined;
  const object = phrase?.head;
  return {
    action: { action: "let go", ...(object !== undefined && { object }) },
    phrases: phrase ? [phrase] : [],
  };
};

/** The action of the full verb at `at`, or undefined when it is none. */
const verbAction = (
  reading: Reading,
  at: number,
  lemma: string,
  objects: readonly Said[],
): Read | undefined => {
  const { words, wordNet } = reading;
  const use = participleUse(reading, at);
  if (use === "state" || isUnreal(reading, at)) return undefined;
  if (use === "action") {
    const of = words[at + 1]?.text === "of" ? nounPhraseAt(words, at + 2, wordNet) : undefined;
    return isEmptyVerb(reading, at, lemma) ? undefined : finish(lemma, of, undefined);
  }
  const complement = complementOf(reading, at, lemma);
  const light = lightAction(reading, complement, lemma);
  if (light !== undefined) return light;
  const { particle, object: phrase } = complement;
  // "Following the collision" says when.
  if (lemma === "follow" && phrase?.head !== undefined && eventNouns.has(phrase.head)) return undefined;
  const passive = isPassive(reading, at);
  if (lemma === "get") {
    if (particle === undefined && (phrase?.head === undefined || isVerb(words[complement.end])))
      return undefined;
  } else if (isEmptyVerb(reading, at, lemma)) return undefined;
  if (postureVerbs.has(lemma) && !changeParticles.has(particle ?? "")) return undefined;
  const after = words[complement.end]?.tag;
  if (lemma === "help" && after === "VB") return undefined;
  if (lemma === "make" && phrase !== undefined && (after === "VB" || (phrase.pronoun && after === "JJ")))
    return undefined;
  if (lemma === "do" && (phrase?.head === undefined || phrase.head === "thing")) return undefined;
  if (passive || isReduced(reading, at)) {
    const head = words[at]!.tag === "VBN" || passive ? subjectOf(reading, at) : undefined;
    return finish(lemma, undefined, particle, head);
  }
  if (phrase !== undefined)
    return finish(lemma, phrase, particle, phrase.head ?? antecedent(reading, at, phrase, objects));
  const shared =
    particle === undefined || /^(?:pick|put|rinse|wash|wipe|lift|hold|set|scoop|chop|throw|tear)$/.test(lemma)
      ? sharedObject(reading, particle === undefined ? at : complement.end - 1, lemma, words[at]!.tag)
      : undefined;
  return finish(
    lemma,
    undefined,
    particle,
    shared === undefined ? undefined : (shared.head ?? antecedent(reading, at, shared, objects)),
  );
};

/** "A ball thrown into the air": a participle behind its noun. */
const isReduced = ({ words }: Reading, at: number): boolean =>
  words[at]!.tag === "VBN" &&
  words[at - 1]?.tag !== "HV" &&
  !(words[at - 1]?.tag === "RB" && words[at - 2]?.tag === "HV");

const finish = (
  lemma: string,
  phrase: NounPhrase | undefined,
  particle: string | undefined,
  head?: string,
): Read => {
  const action = particle === undefined ? lemma : `${lemma} ${particle}`;
  const object = head ?? phrase?.head;
  const noted =
    phrase ?? (object === undefined ? undefined : { start: 0, end: 0, head: object, plural: false });
  return { action: object === undefined ? { action } : { action, object }, phrases: noted ? [noted] : [] };
};

/** "Gives the ball a kick", "takes a sip of coffee", "comes to a stop". */
const lightAction = (reading: Reading, complement: Complement, lemma: string): Read | undefined => {
  const { words, wordNet } = reading;
  if (!lightVerbs.has(lemma) && lemma !== "have") return undefined;
  if (words[complement.end]?.tag === "VBG" && words[complement.end - 1]?.text === "turns") return undefined;
  let phrase = complement.object;
  const to = words[complement.end];
  if (phrase === undefined && /^(?:to|for|into)$/.test(to?.text ?? ""))
    phrase = nounPhraseAt(words, complement.end + 1, wordNet);
  else if (lemma === "come" || lemma === "go") return undefined;
  const last = phrase === undefined ? undefined : words[phrase.end - 1];
  if (phrase === undefined || last === undefined || !isNoun(last)) return undefined;
  const noun = nounLemma(last, wordNet);
  if (!verbalNouns.has(noun) || !isIndefinite(reading, phrase)) return undefined;
  const of =
    words[phrase.end]?.text === "of" && takesObject.has(noun)
      ? nounPhraseAt(words, phrase.end + 1, wordNet)
      : undefined;
  const object = complement.recipient?.head ?? of?.head;
  const read = finish(noun, undefined, undefined, object);
  return { ...read, phrases: [phrase] };
};

/** "A kick", "two steps", "a quick look": an event, where "the cut" may be a thing. */
const isIndefinite = ({ words }: Reading, { start }: NounPhrase): boolean =>
  words[start]!.tag !== "PS" && words[start]!.text !== "this";

/**
 * The noun that "it" or "them" stands for: the last object of that number, else another clause's subject, else the
 * last noun that is not this clause's subject.
 */
const antecedent = (
  reading: Reading,
  at: number,
  phrase: NounPhrase,
  objects: readonly Said[],
): string | undefined => {
  if (phrase.pronoun === undefined) return undefined;
  const plural = phrase.pronoun === "many";
  const last = [...objects].reverse().find((said) => said.plural === plural) ?? objects.at(-1);
  if (last !== undefined) return last.head;
  const [subject, ...others] = subjectsBefore(reading, at);
  const other = others.find((head) => head !== undefined && head !== subject);
  if (other !== undefined) return other;
  const { words, wordNet } = reading;
  const nouns = words.slice(0, at).filter((word, i) => isNoun(word) && !isNoun(words[i + 1]));
  const lemmas = nouns.map((word) => nounLemma(word, wordNet)).filter((lemma) => lemma !== subject);
  return lemmas.at(-1) ?? subject;
};

/** The object of the verb that is joined to this one ("opens and closes the door"), if this one needs an object. */
const sharedObject = (reading: Reading, at: number, lemma: string, form: string): NounPhrase | undefined => {
  const { words, wordNet, lemmas } = reading;
  if (wordNet.transitivity(lemma) !== "object") return undefined;
  let next = at + 1;
  if (words[next]?.tag !== "CC" && words[next]?.tag !== ",") return undefined;
  let joins = false;
  for (; /^(?:,|CC|RB)$/.test(words[next]?.tag ?? ""); next++) joins ||= words[next]!.tag === "CC";
  const joined = lemmas[next];
  if (joined === undefined || words[next]!.tag !== form) return undefined;
  const own = complementOf(reading, next, joined).object;
  if (own === undefined) return sharedObject(reading, next, joined, form);
  return joins ? own : undefined;
};

/** Event nouns that no counted verb takes as its object. */
const eventsOf = (reading: Reading, consumed: ReadonlySet<number>): Map<number, CaptionAction> => {
  const { words, wordNet, lemmas } = reading;
  const found = new Map<number, CaptionAction>();
  const verbless = !lemmas.some((lemma) => lemma !== undefined) && !words.some(({ tag }) => tag === "BE");
  words.forEach((word, at) => {
    if (!isNoun(word) || isNoun(words[at + 1]) || words[at + 1]?.tag === "PS" || consumed.has(at)) return;
    const noun = nounLemma(word, wordNet);
    const start = phraseStart(words, at);
    if (
      /^(?:no|without|not)$/.test(words[start]!.text) ||
      /^(?:no|without|not)$/.test(words[start - 1]?.text ?? "")
    )
      return;
    if (/^(?:avoid|prevent|escape)$/.test(lemmas[start - 1] ?? "")) return;
    const of =
      words[at + 1]?.text === "of" && takesObject.has(noun)
        ? nounPhraseAt(words, at + 2, wordNet)?.head
        : undefined;
    if (of !== undefined && words[start]!.tag === "DT") found.set(at, { action: noun, object: of });
    else if (words[at - 1] !== undefined && eventNouns.has(`${words[at - 1]!.text}-${noun}`))
      found.set(at, { action: `${words[at - 1]!.text}-${noun}` });
    else if (eventNouns.has(noun) || (verbless && verblessEvents.has(noun))) found.set(at, { action: noun });
  });
  return found;
};
