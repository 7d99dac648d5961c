import { DataFormatError } from "../core/errors.ts";
import { answerKey, answerWords, sameAnswer } from "./answer-key.ts";
import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";
import { extractIndexSet, setF1 } from "./index-sets.ts";
import { wordsF1 } from "./normalise.ts";
import { extractNumber, meanRelativeAccuracy } from "./numbers.ts";
import { type OfficialRule, officialJudges } from "./official.ts";
import { extractOption, optionLetter } from "./options.ts";
import { extractPermutation, isPermutation, kendallTau } from "./permutations.ts";
import { bestIoU, readRankedSpans, writeRankedSpans } from "./ranked-spans.ts";
import { extractSpan, spanIoU } from "./spans.ts";

/** Every way in which an answer is compared with its reference; the words of a data set's `answerKind`. */
export const answerKinds = [
  "choice",
  "number",
  "span",
  "ranked-spans",
  "permutation",
  "index-set",
  "open",
] as const;

/** One of {@link answerKinds}. */
export type AnswerKind = (typeof answerKinds)[number];

/** A question's reference and what the model said. */
export interface GradingInput {
  readonly answerKind: AnswerKind;
  /** The reference. For a choice with options: the letter or the text of the right one. */
  readonly answer: string;
  readonly options?: readonly string[];
  readonly completion: string;
}

/** What grading found. */
export interface Grade {
  readonly correct: boolean;
  /** Partial credit in [0, 1]; 1 exactly for a perfect answer, 0 for nothing read. */
  readonly score: number;
  /** The answer as it was read, in canonical writing; null when nothing could be read. */
  readonly parsed: string | null;
  /** Which reading rule hit, or why none did. */
  readonly rule: string;
}

/** A span is correct from this intersection over union on. */
export const SPAN_CORRECT_FROM = 0.5;

const badReference = (kind: AnswerKind, answer: string, expected: string): DataFormatError =>
  new DataFormatError(`reference answer is not a ${kind}`, { expected, got: JSON.stringify(answer) });

/** 0-based position of the right option. @throws {DataFormatError} when the reference names none or several */
export const referenceOption = (answer: string, options: readonly string[]): number => {
  const lone = /^[([]?([A-Za-z])[)\].:]*$/.exec(answer.trim());
  const letter = lone === null ? -1 : lone[1]!.toUpperCase().charCodeAt(0) - 65;
  if (letter >= 0 && letter < options.length) return letter;
  const keys = options.map(answerKey);
  const at = keys.indexOf(answerKey(answer));
  if (at >= 0 && keys.lastIndexOf(answerKey(answer)) === at) return at;
  const lead = extractOption(answer, options);
  if (lead.value !== null && lead.rule === "line-letter") return lead.value;
  throw badReference(
    "choice",
    answer,
    `a letter A-${optionLetter(options.length - 1)} or the text of one option`,
  );
};

/** A verdict from what was read, how it is written and how it scores. */
const verdict = <T>(
  read: Extracted<T>,
  write: (value: T) => string,
  judge: (value: T) => { correct: boolean; score: number },
): Grade =>
  read.value === null
    ? { correct: false, score: 0, parsed: null, rule: read.rule }
    : { ...judge(read.value), parsed: write(read.value), rule: read.rule };

const exact = (correct: boolean): { correct: boolean; score: number } => ({
  correct,
  score: correct ? 1 : 0,
});

const gradeText = (answer: string, completion: string, partial: boolean): Grade => {
  const text = answerPart(completion);
  if (text === "") return { correct: false, score: 0, parsed: null, rule: "empty" };
  const correct = sameAnswer(text, answer) || text.toLowerCase() === answer.trim().toLowerCase();
  const score = correct ? 1 : partial ? wordsF1(answerWords(text), answerWords(answer)) : 0;
  return { correct, score, parsed: text, rule: partial ? "token-f1" : "normalised-text" };
};

const gradeByKind: Readonly<Record<AnswerKind, (input: GradingInput) => Grade>> = {
  choice: ({ answer, options, completion }) => {
    if (options === undefined || options.length === 0) return gradeText(answer, completion, false);
    const right = referenceOption(answer, options);
    return verdict(extractOption(completion, options), optionLetter, (index) => exact(index === right));
  },
  number: ({ answer, completion }) => {
    const reference = extractNumber(answer).value;
    if (reference === null) throw badReference("number", answer, 'one number such as "3" or "three"');
    return verdict(extractNumber(completion), String, (value) => ({
      correct: value === reference,
      score: value === reference ? 1 : meanRelativeAccuracy(value, reference),
    }));
  },
  span: ({ answer, completion }) => {
    const reference = extractSpan(answer).value;
    if (reference === null) throw badReference("span", answer, 'seconds such as "1.5 - 2.25"');
    return verdict(
      extractSpan(completion),
      (span) => `${span.startSeconds} - ${span.endSeconds}`,
      (span) => {
        const same = span.startSeconds === reference.startSeconds && span.endSeconds === reference.endSeconds;
        const score = same ? 1 : spanIoU(span, reference);
        return { correct: score >= SPAN_CORRECT_FROM, score };
      },
    );
  },
  "ranked-spans": ({ answer, completion }) => {
    const references = readRankedSpans(answer);
    if (references.length === 0)
      throw badReference("ranked-spans", answer, 'spans in seconds, one a line, such as "1.5 - 2.25"');
    const spans = readRankedSpans(answerPart(completion));
    const [first] = spans;
    if (first === undefined)
      return { correct: false, score: 0, parsed: null, rule: extractSpan(completion).rule };
    const score = bestIoU(first, references);
    return {
      correct: score >= SPAN_CORRECT_FROM,
      score,
      parsed: writeRankedSpans(spans),
      rule: spans.length === 1 ? "only-pair" : "first-of-ranked",
    };
  },
  permutation: ({ answer, completion }) => {
    const reference = (answer.match(/\d+/g) ?? []).map(Number);
    if (reference.length === 0 || !isPermutation(reference))
      throw badReference("permutation", answer, 'each of 1..n once, such as "2,1,3"');
    return verdict(
      extractPermutation(completion, reference.length),
      (order) => order.join(","),
      (order) => {
        const tau = kendallTau(order, reference);
        return { correct: tau === 1, score: (tau + 1) / 2 };
      },
    );
  },
  "index-set": ({ answer, completion }) => {
    const reference = extractIndexSet(answer).value;
    if (reference === null) throw badReference("index-set", answer, 'frame numbers such as "2,5", or "none"');
    return verdict(
      extractIndexSet(completion),
      (set) => (set.length === 0 ? "none" : set.join(",")),
      (set) => {
        const score = setF1(set, reference);
        return { correct: score === 1, score };
      },
    );
  },
  open: ({ answer, completion }) => gradeText(answer, completion, true),
};

/**
 * Grades one completion against one reference. Never throws on any completion.
 *
 * Scores: choice 0 or 1; number mean relative accuracy (correct when equal); span intersection over union (correct from
 * 0.5); ranked spans that of the first with the best reference; permutation (tau + 1) / 2 (correct when equal); index set F1 (correct when equal); open token F1 (correct when the
 * normalised texts are equal; for meaning see `gradeOpenAnswer`). A choice without options is compared as text.
 *
 * @param mode "strict" (ours) or a benchmark's own rule for its choice questions, errors included
 * @throws {DataFormatError} when the reference is not of its kind
 */
export const gradeAnswer = (input: GradingInput, mode: "strict" | OfficialRule = "strict"): Grade => {
  if (mode === "strict" || input.answerKind !== "choice" || input.options === undefined)
    return gradeByKind[input.answerKind](input);
  const right = referenceOption(input.answer, input.options);
  const { correct, parsed } = officialJudges[mode](input.completion, right, input.options);
  return { correct, score: correct ? 1 : 0, parsed, rule: `official:${mode}` };
};
