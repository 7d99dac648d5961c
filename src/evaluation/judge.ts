import { type AnswerKind, gradeAnswer } from "../grading/grade-answer.ts";
import type { OfficialRule } from "../grading/official.ts";
import type { EvaluationRecord, Outcome } from "./records.ts";
import type { Answer } from "./subject.ts";

/** A question's reference; null where it is not published. */
interface Reference {
  readonly answerKind: AnswerKind;
  readonly answer: string | null;
  readonly options?: readonly string[];
}

/** The part of a record that grading fills in. */
export type Judgement = Pick<
  EvaluationRecord,
  | "parsedAnswer"
  | "parseRule"
  | "outcome"
  | "correct"
  | "scoreStrict"
  | "parsedOfficial"
  | "correctOfficial"
  | "scoreOfficial"
>;

/** How models say that they will not answer. Asked only of texts in which no answer could be read. */
const REFUSAL =
  /^\W*(?:(?:i'?m|i am) sorry\b|sorry\b|i apologi[sz]e|i (?:must decline|(?:can(?:no|')?t|cannot|won'?t|will not|am (?:unable|not able) to) (?:help|assist|comply|fulfil|discuss|engage|answer|provide)))/i;

const outcomeOf = (text: string, parsed: string | null, correct: boolean): Outcome => {
  if (correct) return "right";
  if (text.trim() === "") return "empty";
  if (parsed !== null && parsed !== "") return "wrong";
  return REFUSAL.test(text.replaceAll("\u2019", "'")) ? "refused" : "unread";
};

/**
 * Grades one answer. What failed or is missing is wrong in either mode, also where a benchmark's own rule would give an
 * empty answer credit.
 */
export const judge = (
  reference: Reference,
  answer: Answer,
  official: OfficialRule | undefined,
): Judgement => {
  const { answerKind, answer: gold, options } = reference;
  const { text, finishReason } = answer;
  const lost = finishReason !== "stop" && finishReason !== "length";
  const nothing = { parsedAnswer: null, parsedOfficial: null, correct: false, scoreStrict: 0 };
  if (gold === null)
    return {
      ...nothing,
      parseRule: "no published answer",
      outcome: "unscored",
      correctOfficial: null,
      scoreOfficial: null,
    };
  if (lost)
    return {
      ...nothing,
      parseRule: finishReason,
      outcome: finishReason === "missing" || finishReason === "refused" ? finishReason : "failed",
      correctOfficial: official === undefined ? null : false,
      scoreOfficial: official === undefined ? null : 0,
    };
  const input = { answerKind, answer: gold, completion: text, ...(options === undefined ? {} : { options }) };
  const strict = gradeAnswer(input);
  const own = official === undefined ? null : gradeAnswer(input, official);
  return {
    parsedAnswer: strict.parsed,
    parseRule: strict.rule,
    outcome: outcomeOf(text, strict.parsed, strict.correct),
    correct: strict.correct,
    scoreStrict: strict.score,
    parsedOfficial: own?.parsed ?? null,
    correctOfficial: own?.correct ?? null,
    scoreOfficial: own?.score ?? null,
  };
};

/** The record as the benchmark's own rule sees it: what metrics call right is then what that rule calls right. */
export const underOfficialRule = (record: EvaluationRecord): EvaluationRecord => {
  const { outcome, rawOutput, parsedOfficial, correctOfficial, scoreOfficial } = record;
  const correct = correctOfficial === true;
  const kept = ["unscored", "missing", "failed"].includes(outcome) || record.finishReason === "refused";
  return {
    ...record,
    correct,
    parsedAnswer: parsedOfficial,
    scoreStrict: scoreOfficial ?? 0,
    outcome: kept ? outcome : outcomeOf(rawOutput, parsedOfficial, correct),
  };
};
