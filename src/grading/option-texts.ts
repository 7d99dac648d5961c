import { answerKey, answerWords, sameAnswer } from "./answer-key.ts";
import type { Extracted } from "./extracted.ts";
import { type FoundNumber, findNumbers, hasRival } from "./numbers.ts";
import { clauseAfter, clauseBefore, clauses, isDenied, isLimit, sentences } from "./polarity.ts";

/** Options as they are compared: by their keys. */
export interface OptionTexts {
  readonly options: readonly string[];
  readonly keys: readonly string[];
}

/** The key of an option; a number in words has that of its digits. */
const keyOf = (option: string): string => {
  const [number, ...more] = findNumbers(option);
  const inWords = number !== undefined && more.length === 0 && !/\d/.test(option);
  return inWords &&
    /^[\s.]*(?:times?)?[\s.]*$/i.test(option.slice(0, number.start) + option.slice(number.end))
    ? String(number.value)
    : answerKey(option);
};

/** Keys of options. */
export const optionTexts = (options: readonly string[]): OptionTexts => ({
  options,
  keys: options.map(keyOf),
});

/** True where "- 1" may be a list item or a negative number, and options of both signs are given. */
const isSignUnclear = (keys: readonly string[], text: string): boolean =>
  /^\s*[-−–]\s+\d/.test(text) && keys.some((key) => key.startsWith("-"));

/** The one option whose wording is the whole text; null for none and for several. */
export const wholeOption = ({ options, keys }: OptionTexts, text: string): number | null => {
  const asked = /\?["')\s]*$/.test(text) && !options.some((option) => option.trim().endsWith("?"));
  if (asked || isSignUnclear(keys, text) || /[❌✗✘✖⛔🚫👎]/u.test(text)) return null;
  const equal = options.flatMap((option, index) => (sameAnswer(option, text) ? [index] : []));
  if (equal.length > 0) return equal.length === 1 ? equal[0]! : null;
  // In capitals ("Jump Over A Fence") an article looks like a name.
  const plain = text.toLowerCase();
  const alike = options.flatMap((option, index) => (sameAnswer(option.toLowerCase(), plain) ? [index] : []));
  return alike.length === 1 ? alike[0]! : null;
};

const YES_NO = new Set(["yes", "no", "true", "false"]);

const within = (haystack: string, key: string): boolean => ` ${haystack} `.includes(` ${key} `);

/** Options whose key stands in `said`, longest wording preferred. */
const contained = ({ keys }: OptionTexts, said: string): number[] => {
  const hits = keys.flatMap((key, index) =>
    key !== "" && !NUMERIC.test(key) && !YES_NO.has(key) && within(said, key) ? [index] : [],
  );
  return hits.filter(
    (index) => !hits.some((other) => keys[other] !== keys[index] && within(keys[other]!, keys[index]!)),
  );
};

/** Options that `rest` tells in other words beside those that it names: every word that parts the two is there. */
const alsoTold = ({ keys }: OptionTexts, hits: readonly number[], rest: string): number[] => {
  const words = new Set(rest.trim().split(" "));
  const first = hits[0];
  if (first === undefined) return [];
  const named = new Set(keys[first]!.split(" "));
  return keys.flatMap((key, index) => {
    const own = key.split(" ").filter((word) => !named.has(word));
    return !hits.includes(index) && own.length > 0 && own.every((word) => words.has(word)) ? [index] : [];
  });
};

/** Abilities, orders, ends and talk: what is said is not what is done. */
const ELSEWHERE =
  / (?:can(?! (?:see|be seen|tell|say))|able to|would(?! say)|should|must|needs? to|ha(?:s|ve|d) to|tells?|told|asks?|asked|orders?|ordered|stops?|stopped|ceases?|ceased|quits?|forg[eo]ts? to|refrains?|prevents?|prevented|imagines?|dreams?|mentions?|talks?|talking|about) /;
const CIRCUMSTANCE =
  /(?:^| )(?:before|after|until|till|while|during|prior to|as if|as though|like|similar to|ready to|unlike|except|opposite of|reverse of|contrary to|other than|rather than|instead of|far from|anything but)(?: \p{L}+){0,2} $/u;

/** What a sentence says of option texts: named without denial, named with one. */
const namedIn = (texts: OptionTexts, sentence: string): { asserted: number[]; denied: number[] } => {
  const asserted: number[] = [];
  const denied: number[] = [];
  const question = sentence.endsWith("?");
  let open = false;
  for (const clause of clauses(sentence)) {
    const said = answerKey(clause);
    const hits = contained(texts, said);
    let rest = ` ${said} `;
    for (const hit of hits) rest = rest.replace(` ${texts.keys[hit]} `, " ");
    hits.push(...alsoTold(texts, hits, rest));
    // "turns left then right" tells more than its beginning.
    if (/ (?:then|afterwards?|followed by) /.test(rest)) continue;
    // "before pouring water" tells when, not what.
    if (hits.some((hit) => CIRCUMSTANCE.test(said.slice(0, Math.max(0, said.indexOf(texts.keys[hit]!))))))
      continue;
    const turned =
      /^\s*(?:(?:but|however|instead|so|therefore|thus|hence|yes)\b|(?:it|he|she|they)\b|(?:this|that)(?:'s|\s+(?:is|was))\b|而是)/i.test(
        clause,
      );
    if (turned) open = false;
    // Marks of rejection are no words, so the clause itself is looked at, too, where it holds one.
    const negative = isDenied(rest) || ELSEWHERE.test(rest) || /[❌✗✘✖⛔🚫👎]/u.test(clause);
    (question || negative || open ? denied : asserted).push(...hits);
    open ||= negative;
  }
  return { asserted, denied };
};

/** The option that sentences name by its text: one only, and nowhere denied. */
export const namedOption = (texts: OptionTexts, text: string): Extracted<number> => {
  const asserted = new Set<number>();
  const denied = new Set<number>();
  for (const sentence of sentences(text)) {
    const named = namedIn(texts, sentence);
    for (const index of named.asserted) asserted.add(index);
    for (const index of named.denied) denied.add(index);
  }
  // An option's wording inside a longer one that is named counts for the longer one only.
  const left = [...asserted].filter(
    (index) =>
      !denied.has(index) &&
      ![...asserted].some((other) => other !== index && within(texts.keys[other]!, texts.keys[index]!)),
  );
  if (left.length === 1) return { value: left[0]!, rule: "contained-text" };
  if (left.length > 1) return { value: null, rule: "several-texts" };
  return { value: null, rule: denied.size > 0 ? "rejected" : "nothing-found" };
};

const FIRST_WORD =
  /^["'(]*(\p{L}+)["')]*(?:\s*(?:[.,;:!—–-]|$)|\s+(?:it|he|she|they|there|this|that|the|I|we)\b)/iu;
const LAST_WORD =
  /^(.*)\b(?:say|think|believe|definitely|clearly|probably|absolutely|certainly|is|be|answer)\s*[:,]?\s*["'(]*(\p{L}+)["')]*[.!]*$/iu;

/** "no, wait, yes": the text corrects itself. */
const CORRECTED =
  /\b(?:wait|actually|rather|sorry|correction|no)\b[\s,:;.–—-]*(?:i\s+mean\s+|it\s+is\s+)?(yes|no|true|false)[.!\s]*$/i;

/** Yes-or-no options are answered by a sentence's first word ("No, it does not") or last ("I would say no"). */
const yesOrNo = ({ keys }: OptionTexts, text: string): Extracted<number> | null => {
  if (!keys.some((key) => YES_NO.has(key))) return null;
  const corrected = CORRECTED.exec(text)?.[1]?.toLowerCase();
  if (corrected !== undefined && keys.includes(corrected))
    return { value: keys.indexOf(corrected), rule: "yes-or-no" };
  const said = sentences(text).flatMap((sentence) => {
    const first = FIRST_WORD.exec(sentence)?.[1]?.toLowerCase() ?? "";
    if (YES_NO.has(first)) return [first];
    const last = LAST_WORD.exec(sentence);
    return last === null || isDenied(last[1]!) ? [] : [last[2]!.toLowerCase()];
  });
  const named = keys.flatMap((key, index) => (YES_NO.has(key) && said.includes(key) ? [index] : []));
  if (named.length > 1) return { value: null, rule: "several-texts" };
  return named.length === 1 ? { value: named[0]!, rule: "yes-or-no" } : null;
};

const NUMERIC = /^[$€£¥]?-?\d+(?:\.\d+)?([%°\p{L}/]*)$/u;
const isNumeric = (key: string): boolean => NUMERIC.test(key);

const PLACE =
  /(?:\b(?:frames?|seconds?|steps?|option|choice|number|at|after|before|image|figure|clip|first|last|from|to|between|by)\s*(?:number|no\.?)?|#)\s*$/i;
const COUNTED = /^\s*(?:times?|repetitions?|repeats?|reps?|counts?|occurrences?)\b/i;
const ADVERB = /^(?:twice|thrice|once(?=\s*(?:[.,;!\n]|$|in\b|during\b)))/i;
const BARE =
  /^(?:[\s.!,;:()[\]"']|\b(?:about|around|approximately|roughly|exactly|precisely|only|just|minus|negative|times?)\b)*$/i;

/** The key of a number where it stands: with its sign, and with its unit when it has one. */
const numberKey = (text: string, { value, start, end }: FoundNumber): string => {
  const tail = /^(?:\s*[%°][cf]?|\s*\p{L}+(?:\/\p{L}+)?)?/iu.exec(text.slice(end))![0];
  const written = text.slice(start, end);
  const asWritten = /\d/.test(written) && value < 0 === /^[-−]/.test(written);
  return answerWords(`${asWritten ? written : value}${tail}`)[0] ?? "";
};

/** True where a number is denied, a limit, or counts frames and seconds instead of answering. */
const isElsewhere = (text: string, number: FoundNumber): boolean => {
  const { start, end } = number;
  const edge = Math.max(
    0,
    ...[...text.slice(0, start).matchAll(/[.!?;\n](?=\s)|\n/g)].map(({ index }) => index + 1),
  );
  const before = text.slice(edge, start);
  const after = /^[^.!?;\n]*/.exec(text.slice(end))![0];
  const glued =
    /^\p{L}/u.test(after) &&
    answerWords(`1${after}`)[0] === answerWords(`1${after.replace(/^\p{L}+/u, "")}`)[0];
  return (
    (PLACE.test(before) && !/[%°\p{L}]/u.test(numberKey(text, number))) ||
    isLimit(before) ||
    isDenied(before) ||
    isDenied(clauseAfter(text, end)) ||
    glued ||
    text[end + after.length] === "?"
  );
};

/**
 * The option among numbers that a text gives: the text is that number, or it counts with it ("3 times"), or no other
 * number in digits stands there; null where it is denied, a limit ("more than 2") or a place ("frame 2").
 */
export const numericOption = (texts: OptionTexts, written: string): Extracted<number> => {
  if (isSignUnclear(texts.keys, written)) return { value: null, rule: "sign-unclear" };
  const text = written.replace(/[−–](?=\d)/g, "-");
  const numbers = findNumbers(text);
  const first = numbers[0];
  const alone =
    first !== undefined &&
    numbers.length === 1 &&
    BARE.test(text.slice(0, first.start) + text.slice(first.end));
  const counted = numbers.filter(
    ({ start, end }) => COUNTED.test(text.slice(end)) || ADVERB.test(text.slice(start)),
  );
  // "one" and "zero" are words like others; larger numbers count where options are written so.
  const spelt = texts.options.every((option) => !/\d/.test(option));
  const digits = numbers.filter(
    ({ value, start, end }) => /\d/.test(text.slice(start, end)) || (spelt && value > 1),
  );
  const offered = alone ? numbers : counted.length > 0 ? counted : digits;
  const undenied = offered.filter(({ start }) => !isDenied(clauseBefore(text, start)));
  const used = undenied.length > 0 ? undenied : offered;
  const keys = [...new Set(used.map((number) => numberKey(text, number)))];
  if (keys.length !== 1) return { value: null, rule: keys.length > 1 ? "several-texts" : "nothing-found" };
  if (used.some((number) => hasRival(text, numbers, number))) return { value: null, rule: "several-texts" };
  if (!alone && used.some((number) => isElsewhere(text, number))) return { value: null, rule: "rejected" };
  const units = new Set(texts.keys.map((key) => NUMERIC.exec(key)?.[1]));
  // A bare number answers where all options have the same unit.
  const key =
    alone && units.size === 1 && NUMERIC.exec(keys[0]!)?.[1] === ""
      ? `${keys[0]}${[...units][0] ?? ""}`
      : keys[0]!;
  const hits = texts.keys.flatMap((option, index) => (option === key ? [index] : []));
  return hits.length === 1
    ? { value: hits[0]!, rule: "only-number" }
    : { value: null, rule: "nothing-found" };
};

/** More words than these around an option's wording describe a scene; what they mention answers nothing. */
const PROSE = 30;

/** The option that a text without letters names: yes or no, a number, or its wording in a sentence. */
export const statedOption = (texts: OptionTexts, text: string): Extracted<number> => {
  const whole = wholeOption(texts, text);
  if (whole !== null) return { value: whole, rule: "whole-text" };
  const yesNo = yesOrNo(texts, text);
  if (yesNo !== null) return yesNo;
  const longest = Math.max(...texts.keys.map((key) => key.split(" ").length));
  if (answerWords(text).length > longest + PROSE) return { value: null, rule: "too-long" };
  const named = namedOption(texts, text);
  const numeric = texts.keys.some(isNumeric) ? numericOption(texts, text) : named;
  if (named.value === null) return numeric.value === null && named.rule !== "nothing-found" ? named : numeric;
  if (numeric.value === null || numeric.value === named.value) return named;
  return { value: null, rule: "several-texts" };
};
