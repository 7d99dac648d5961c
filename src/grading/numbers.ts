import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";
import { plainAnswer } from "./markup.ts";
import { isDeniedAt, lastOf } from "./polarity.ts";

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const TIMES: ReadonlyMap<string, number> = new Map([
  ["once", 1],
  ["twice", 2],
  ["thrice", 3],
]);

/** A number in a text: its value and where its writing starts and ends. */
export interface FoundNumber {
  readonly value: number;
  readonly start: number;
  readonly end: number;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /(?<![\d.:,\w])[-−]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\d:]|,\d{3}|\w*\d)|(?<!\w)[a-z]+(?!\w)/gi;

const unitOf = (word: string | undefined): number => (word === undefined ? -1 : SMALL.indexOf(word));
const tensOf = (word: string | undefined): number => {
  const at = word === undefined ? -1 : TENS.indexOf(word);
  return at < 0 ? -1 : 20 + 10 * at;
};

/** Reads a number phrase of the words from `at`; the value and how many words it takes, or null. */
const readWords = (words: readonly string[], at: number): { value: number; length: number } | null => {
  let length = 0;
  const below100 = (): number => {
    const tens = tensOf(words[at + length]);
    if (tens >= 0) {
      length++;
      const unit = unitOf(words[at + length]);
      if (unit < 1 || unit > 9) return tens;
      length++;
      return tens + unit;
    }
    const unit = unitOf(words[at + length]);
    if (unit >= 0) length++;
    return unit;
  };
  const below1000 = (): number => {
    const first = below100();
    if (first < 0 || words[at + length] !== "hundred") return first;
    length++;
    const before = length;
    if (words[at + length] === "and") length++;
    const rest = below100();
    if (rest < 0) length = before;
    return first * 100 + Math.max(0, rest);
  };
  const first = below1000();
  if (first < 0) return null;
  if (words[at + length] !== "thousand") return { value: first, length };
  length++;
  const before = length;
  if (words[at + length] === "and") length++;
  const rest = below1000();
  if (rest < 0) length = before;
  return { value: first * 1000 + Math.max(0, rest), length };
};

/** The words that follow each other from `at`, parted by nothing but spaces and hyphens. */
const joinedWords = (text: string, tokens: readonly Token[], at: number): string[] => {
  const words: string[] = [];
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (/\d/.test(token.text)) break;
    if (i > at && !/^[\s-]+$/.test(text.slice(tokens[i - 1]!.end, token.start))) break;
    words.push(token.text.toLowerCase());
    if (words.length > 12) break;
  }
  return words;
};

/**
 * Every number of a text in order: digits (also "1,200", "2.5", "-3") and English words up to the thousands ("twenty
 * one", "two hundred and five"), and once, twice, thrice; "minus three" is -3. Clock times ("00:18") and digits inside words are not numbers;
 * "10-12" is two numbers.
 */
export const findNumbers = (text: string): FoundNumber[] => {
  const tokens: Token[] = [...text.matchAll(TOKEN)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
  const found: FoundNumber[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const { text: written, start, end } = tokens[i]!;
    const sign = /\b(?:minus|negative)\s+$/i.test(text.slice(Math.max(0, start - 12), start)) ? -1 : 1;
    if (/\d/.test(written)) {
      const value = sign * Number(written.replaceAll(",", "").replace("−", "-"));
      found.push({ value: value === 0 ? 0 : value, start, end });
      continue;
    }
    const word = written.toLowerCase();
    const times = TIMES.get(word);
    if (times !== undefined) found.push({ value: times, start, end });
    else if (unitOf(word) >= 0 || tensOf(word) >= 0) {
      const phrase = readWords(joinedWords(text, tokens, i), 0)!;
      i += phrase.length - 1;
      found.push({ value: phrase.value === 0 ? 0 : sign * phrase.value, start, end: tokens[i]!.end });
    }
  }
  return found;
};

const only = (numbers: readonly FoundNumber[]): number | null =>
  numbers.length > 0 && numbers.every((number) => number.value === numbers[0]!.value)
    ? numbers[0]!.value
    : null;

/** Numbers that a lead-in announces ("the answer is 3"), in their order. */
const announcedNumbers = (text: string, numbers: readonly FoundNumber[]): FoundNumber[] =>
  [...text.matchAll(/\banswer\b\s*(?:is|was|:|=)*\s*:?\s*/gi)].flatMap((lead) => {
    const at = lead.index + lead[0].length;
    return (
      numbers.find((number) => number.start >= at && /^[\s("'[]*$/.test(text.slice(at, number.start))) ?? []
    );
  });

const OFFERED = /^(?:[\s,/&–—-]|\b(?:or|and|to|maybe|perhaps|possibly|even)\b)+$/i;

/** True when another number is offered beside this one: "3 or 4", "3/4", "3, 4", "3 to 4". */
export const hasRival = (text: string, numbers: readonly FoundNumber[], number: FoundNumber): boolean => {
  const next = numbers.find(({ start }) => start >= number.end);
  const before = numbers.findLast(({ end }) => end <= number.start);
  return (
    (next !== undefined && next.value !== number.value && OFFERED.test(text.slice(number.end, next.start))) ||
    (before !== undefined &&
      before.value !== number.value &&
      OFFERED.test(text.slice(before.end, number.start)))
  );
};

/**
 * The number a completion answers with: the whole answer is a number; the number that "answer is" announces; the one
 * number that counts something ("3 times"); the only number there is. Numbers that are denied ("not 3"), doubted, asked
 * or limits ("more than 2") are none of these; two different candidates give null, unless the text corrects itself.
 */
export const extractNumber = (completion: string): Extracted<number> => {
  const text = plainAnswer(answerPart(completion));
  const all = findNumbers(text);
  if (all.length === 0) return { value: null, rule: text.trim() === "" ? "empty" : "nothing-found" };
  const first = all[0]!;
  const outside = text.slice(0, first.start) + text.slice(first.end);
  if (all.length === 1 && /^[\s.!()[\]"']*$/.test(outside))
    return { value: first.value, rule: "whole-number" };
  const numbers = all.filter(({ start, end }) => !isDeniedAt(text, start, end));
  if (numbers.length === 0) return { value: null, rule: "rejected" };
  const announced = announcedNumbers(text, numbers);
  if (announced.length > 0) {
    const last = lastOf(text, announced, (a, b) => a.value === b.value);
    return last === null || hasRival(text, numbers, last)
      ? { value: null, rule: "several-numbers" }
      : { value: last.value, rule: "final-answer" };
  }
  const counting = numbers.filter((number) =>
    /^\s*(?:times?|repetitions?|repeats?|reps?|counts?)\b/i.test(text.slice(number.end)),
  );
  const counted = only(counting);
  if (counted !== null)
    return counting.some((number) => hasRival(text, all, number))
      ? { value: null, rule: "several-numbers" }
      : { value: counted, rule: "counted" };
  const single = only(numbers);
  return single === null ? { value: null, rule: "several-numbers" } : { value: single, rule: "only-number" };
};

/**
 * Mean relative accuracy: the share of thresholds t in {0.50, 0.55, ..., 0.95} with |p - g| / |g| <= 1 - t, in [0, 1].
 * For g = 0 it is 1 when p = 0 and 0 otherwise.
 *
 * @source VSI-Bench (vision-x-nyu/thinking-in-space@51e089c); thresholds built as 0.5 + i * step, the last set to 0.95
 */
export const meanRelativeAccuracy = (predicted: number, reference: number): number => {
  if (reference === 0) return predicted === 0 ? 1 : 0;
  const error = Math.abs(predicted - reference) / Math.abs(reference);
  const step = (0.95 - 0.5) / 9;
  let hits = 0;
  for (let i = 0; i < 10; i++) if (error <= 1 - (i === 9 ? 0.95 : 0.5 + i * step)) hits++;
  return hits / 10;
};
