/** `videoperceiver/grading`: an answer's text in, a grade out. */
export {
  type EntailmentDirection,
  type EntailmentModel,
  gradeOpenAnswer,
  tokenOverlapEntailment,
} from "../grading/entailment.ts";
export {
  type AnswerKind,
  answerKinds,
  type Grade,
  type GradingInput,
  gradeAnswer,
} from "../grading/grade-answer.ts";
export type { OfficialRule } from "../grading/official.ts";
