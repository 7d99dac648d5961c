/**
 * Whether a model still answers when the refeed's instruction stands behind the question: an instruction that it never
 * saw before can make every valid answer unlikely, and what is drawn again then only burns time.
 */
import { RunError } from "../core/errors.ts";
import { meanOf } from "../objectives/group-statistics.ts";
import type { InstructionGuard } from "./grpo-options.ts";
import type { ComparedPrompt, PromptLayout } from "./prompt-layout.ts";

/**
 * Measures some prompts of a step, for the log.
 * @throws {RunError} when the instruction has made valid answers unlikely
 */
export const probeInstruction = async <P extends ComparedPrompt>(
  layout: Pick<PromptLayout<P>, "validity">,
  prompts: readonly P[],
  instruction: string,
  guard: InstructionGuard,
): Promise<Record<string, number>> => {
  const some = prompts.slice(0, guard.prompts);
  if (some.length === 0) return {};
  const plain = meanOf(await layout.validity(some, false));
  const instructed = meanOf(await layout.validity(some, true));
  if (plain >= guard.answeringFrom && instructed < guard.leastShare * plain)
    throw new RunError("the refeed's instruction destroys the answers", {
      where: `"${instruction}" behind ${some.length} prompts`,
      expected: `valid answers with a probability of at least ${guard.leastShare} x ${plain.toFixed(3)}`,
      got: instructed.toFixed(3),
      hint: "let supervised fine-tuning show the instruction (instructionShare), or set refeedTries to 0",
    });
  return { validAnswers: plain, validAnswersInstructed: instructed };
};
