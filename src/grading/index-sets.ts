import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";
import { plainAnswer } from "./markup.ts";
import { findNumbers } from "./numbers.ts";
import { isDeniedAt } from "./polarity.ts";

/**
 * The set of 1-based frame numbers that a completion names, sorted; "none", "never" or a lone 0 is the empty set.
 * "frames 3 to 5" and "3-5" are ranges when they go up by at most 1000. After the last "answer" only, if there are numbers.
 * Denied numbers ("not 3") are left out; when none is left, or the text leaves open which set it means ("2 or 5"), null.
 */
export const extractIndexSet = (completion: string): Extracted<readonly number[]> => {
  const whole = plainAnswer(answerPart(completion));
  if (whole === "") return { value: null, rule: "empty" };
  const answerAt = whole.toLowerCase().lastIndexOf("answer");
  const tail = answerAt >= 0 ? whole.slice(answerAt) : whole;
  const text = /\d|\bnone\b|\bnever\b/i.test(tail) ? tail : whole;
  const set = new Set<number>();
  const spaced = text.replace(/(\d)\s*[-–—]\s*(?=\d)/g, "$1 to ").replace(/(\d),(?=\d)/g, "$1, ");
  const all = findNumbers(spaced).filter((number) => Number.isInteger(number.value) && number.value >= 0);
  const numbers = all.filter(({ start, end }) => !isDeniedAt(spaced, start, end));
  if (all.length > 0 && numbers.length === 0) return { value: null, rule: "rejected" };
  for (const [i, number] of numbers.entries()) {
    const before = numbers[i - 1];
    set.add(number.value);
    if (before === undefined) continue;
    const between = spaced.slice(before.end, number.start);
    if (/^[\s,]*(?:or|or\s+maybe|maybe|possibly)\s+(?:frames?\s+)?$/i.test(between))
      return { value: null, rule: "several-sets" };
    if (!/^\s*(?:to|through)\s*$/i.test(between)) continue;
    if (number.value > before.value && number.value - before.value <= 1000)
      for (let value = before.value; value < number.value; value++) set.add(value);
  }
  if (set.size > 0) {
    set.delete(0);
    return { value: [...set].sort((a, b) => a - b), rule: "numbers" };
  }
  if (/\b(none|never|no frames?|empty)\b|^\[\s*\]$/i.test(text)) return { value: [], rule: "none" };
  return { value: null, rule: "nothing-found" };
};

/** Harmonic mean of precision and recall of two sets, in [0, 1]; 1 when both are empty, 0 when one is. */
export const setF1 = (predicted: readonly number[], reference: readonly number[]): number => {
  const wanted = new Set(reference);
  const given = new Set(predicted);
  if (wanted.size === 0 && given.size === 0) return 1;
  let shared = 0;
  for (const value of given) if (wanted.has(value)) shared++;
  return (2 * shared) / (wanted.size + given.size);
};
