import { answerPart, normaliseText } from "./normalise.ts";

/** What was read out of a completion, and by which rule; `null` when no rule applies. Nothing is ever guessed. */
export interface Extracted<T> {
  readonly value: T | null;
  /** Stable name of the rule that hit, or why none did. */
  readonly rule: string;
}

/** Letter of the option at a position: 0 is A. */
export const optionLetter = (index: number): string => String.fromCharCode(65 + index);

const letterIndex = (letter: string, count: number): number | null => {
  const index = letter.toUpperCase().charCodeAt(0) - 65;
  return index >= 0 && index < count ? index : null;
};

/** "A" before a word that an article can stand before is no option. */
const isArticle = (letter: string, after: string): boolean =>
  letter === "A" && /^\s+(?!(?:because|since|as|is|was|which|for|due|given|based)\b)[a-z]/.test(after);

/** "B or C" and "B/C" name no single option. */
const isOneOfSeveral = (after: string): boolean =>
  /^\W{0,2}\s*(?:or|and|\/|&)\s*\W?[A-Z](?![A-Za-z0-9])/.test(after);

/** Letters that follow a matched lead-in, in order; the lead-in is matched without case, the letter with it. */
const lettersAfter = (text: string, leadIn: RegExp, count: number, articles: boolean): number[] => {
  const found: number[] = [];
  for (const match of text.matchAll(leadIn)) {
    const rest = text.slice(match.index + match[0].length);
    const letter = /^(?:\(([A-Za-z])\)|\[([A-Za-z])\]|([A-Z])(?![A-Za-z0-9'’]))/.exec(rest);
    if (letter === null) continue;
    const written = (letter[1] ?? letter[2] ?? letter[3])!;
    const after = rest.slice(letter[0].length);
    if (isOneOfSeveral(after) || (articles && letter[3] !== undefined && isArticle(written, after))) continue;
    const index = letterIndex(written, count);
    if (index !== null) found.push(index);
  }
  return found;
};

const STRONG =
  /\b(?:answer|(?:correct|best|right)\s+(?:option|choice))\b\s*(?:(?:would|should|must)\s+be|is|was|:|=)?\s*:?\s*(?:option|choice)?\s*:?\s*/gi;
const WEAK = /\b(?:option|choice)\b\s*(?:is|:)?\s*/gi;

const unique = (indices: readonly number[]): number | null => {
  const set = new Set(indices);
  return set.size === 1 ? indices[0]! : null;
};

/** Options whose normalised text stands in the normalised completion as whole words, longest wording preferred. */
const containedOptions = (text: string, options: readonly string[]): number[] => {
  const haystack = ` ${normaliseText(text)} `;
  const texts = options.map(normaliseText);
  const hits = texts.flatMap((option, index) =>
    option !== "" && haystack.includes(` ${option} `) ? [index] : [],
  );
  return hits.filter(
    (index) =>
      !hits.some(
        (other) => texts[other] !== texts[index] && ` ${texts[other]} `.includes(` ${texts[index]} `),
      ),
  );
};

/**
 * Which option a completion names, 0-based, by the first rule that hits: reasoning cut away (`answerPart`);
 * the whole answer is a letter; a final-answer phrase ("the answer is C"), the last one; "option C", when only one
 * letter is named so; a line that starts "C." or "C)", when only one does; the whole answer is an option's text; one
 * option's text only is contained. Letters beyond the options never count.
 *
 * @source design note on answer extraction (strict proposal); golden strings in test/golden/grading.test.ts
 * @differs "option X" with two different letters gives null where the proposal takes the last one
 */
export const extractOption = (completion: string, options: readonly string[]): Extracted<number> => {
  const text = answerPart(completion)
    .replace(/\*\*|__|`/g, "")
    .trim();
  if (text === "") return { value: null, rule: "empty" };
  const whole = /^[([]?([A-Za-z])[)\]]?[.:]?$/.exec(text);
  if (whole !== null) {
    const value = letterIndex(whole[1]!, options.length);
    if (value !== null) return { value, rule: "whole-letter" };
  }
  const strong = lettersAfter(text, STRONG, options.length, true).at(-1);
  if (strong !== undefined) return { value: strong, rule: "final-answer" };
  const weak = unique(lettersAfter(text, WEAK, options.length, false));
  if (weak !== null) return { value: weak, rule: "option-letter" };
  const lines = [...text.matchAll(/^\s*[([]?([A-Z])[.)\]:](?=\s|$)/gm)]
    .map((match) => letterIndex(match[1]!, options.length))
    .filter((index) => index !== null);
  const line = unique(lines);
  if (line !== null) return { value: line, rule: "line-letter" };
  if (lines.length > 1) return { value: null, rule: "several-letters" };
  const normalised = normaliseText(text);
  const equal = options.flatMap((option, index) => (normaliseText(option) === normalised ? [index] : []));
  if (normalised !== "" && equal.length === 1) return { value: equal[0]!, rule: "whole-text" };
  const contained = containedOptions(text, options);
  if (contained.length === 1) return { value: contained[0]!, rule: "contained-text" };
  return { value: null, rule: contained.length > 1 ? "several-texts" : "nothing-found" };
};

/** Splits a one-line option string ("A. urban, B. coastal") into its texts; null when the letters do not run A, B, C, ... */
export const splitOptions = (line: string): string[] | null => {
  const marks = [...line.matchAll(/(^|[\s,;]+)([A-Z])[.)]\s*/g)];
  if (marks.length < 2 || marks.some((mark, index) => mark[2] !== optionLetter(index))) return null;
  return marks.map((mark, index) =>
    line
      .slice(mark.index + mark[0].length, marks[index + 1]?.index ?? line.length)
      .replace(/[\s,;]+$/, "")
      .trim(),
  );
};
