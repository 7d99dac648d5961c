import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";
import { plainAnswer } from "./markup.ts";
import { isDenied, isDeniedAt } from "./polarity.ts";

const SEQUENCE = /\d+(?:\s*(?:,|;|->|→|>|\band\b|\bthen\b|\s)\s*(?:and\s+|then\s+)?\d+)+/gi;

/** True when `values` holds each of 1..n once. */
export const isPermutation = (values: readonly number[]): boolean => {
  const seen = new Set(values);
  return (
    seen.size === values.length && values.every((v) => Number.isInteger(v) && v >= 1 && v <= values.length)
  );
};

/**
 * The order that a completion gives: the last list of numbers ("2,1,3", "2 -> 1 -> 3", "2 1 3") that is a permutation of
 * 1..length. Lists of another length, with repeats or denied are passed over; "1,2,3 or 3,2,1" gives null.
 */
export const extractPermutation = (completion: string, length: number): Extracted<readonly number[]> => {
  const text = plainAnswer(answerPart(completion));
  if (text === "") return { value: null, rule: "empty" };
  if (length === 1 && /^\D*1\D*$/.test(text) && !isDenied(text)) return { value: [1], rule: "last-list" };
  const all = [...text.matchAll(SEQUENCE)]
    .map((match) => ({
      list: (match[0].match(/\d+/g) ?? []).map(Number),
      start: match.index,
      end: match.index + match[0].length,
    }))
    .filter(({ list }) => list.length === length && isPermutation(list));
  const lists = all.filter(({ start, end }) => !isDeniedAt(text, start, end));
  const last = lists.at(-1);
  if (last === undefined) return { value: null, rule: all.length > 0 ? "rejected" : "nothing-found" };
  const other = lists.findLast(({ list }) => list.join() !== last.list.join());
  if (
    other !== undefined &&
    /\bor\b|\b(?:maybe|possibly|perhaps|also)\b/i.test(text.slice(other.end, last.start))
  )
    return { value: null, rule: "several-lists" };
  return { value: last.list, rule: "last-list" };
};

/**
 * Kendall's tau of two orders of the same labels, in [-1, 1]: (concordant - discordant pairs) / all pairs. 1 for one label.
 * Both arguments must be permutations of 1..n of the same length.
 */
export const kendallTau = (a: readonly number[], b: readonly number[]): number => {
  const n = a.length;
  if (n < 2) return 1;
  const place = new Map(b.map((label, position) => [label, position]));
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) sum += place.get(a[i]!)! < place.get(a[j]!)! ? 1 : -1;
  return sum / ((n * (n - 1)) / 2);
};
