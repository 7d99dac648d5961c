import { type EntailmentDirection, type EntailmentModel, gradeOpenAnswer } from "../grading/entailment.ts";
import { gradeAnswer } from "../grading/grade-answer.ts";
import type { RewardInput } from "./rewards.ts";

/**
 * Q(y, y*) in [0, 1]: for closed questions exact correctness (0 or 1), for open ones the entailment probability of the
 * injected model.
 *
 * @source VideoPerceiver (arXiv 2511.18823), Q of eq. (8); direction of entailment is our default
 */
export const answerQuality = async (
  question: RewardInput["question"],
  completion: string,
  entailment: EntailmentModel,
  direction: EntailmentDirection = "covers-reference",
): Promise<number> =>
  question.answerKind === "open"
    ? await gradeOpenAnswer(entailment, completion, question.answer, direction)
    : gradeAnswer({ ...question, completion }).correct
      ? 1
      : 0;
