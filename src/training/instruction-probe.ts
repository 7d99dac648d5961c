/**
 * Whether a model still answers when the refeed's instruction stands behind the question: an instruction that it never
 * saw before can make every valid answer unlikely, and what is drawn again then only burns time.
 */
import { RunError } from "../core/errors.ts";
import { meanOf } from "../objectives/group-statistics.ts";
import type { InstructionGuard } from "./grpo-options.ts";
import type { Trainee } from "./loop.ts";
import type { Language, Prompt } from "./rollout.ts";
import { type ClosedPrompt, wholeAnswerProbabilities } from "./valid-answers.ts";

/** The prompt with its options; where those are not known as tokens, with its reference as the only one. */
const withOptions = ({ clip, text }: Prompt): ClosedPrompt => ({
  clip,
  text: { ...text, optionTargets: text.optionTargets ?? [text.target] },
});

/**
 * Probability of a valid answer: of all options together; of an open question, whose other answers nobody knows, the
 * reference's a token (geometric mean).
 */
const validity = ({ text }: Prompt, probabilities: readonly number[]): number =>
  text.optionTargets === undefined
    ? probabilities[0]! ** (1 / text.target.length)
    : probabilities.reduce((sum, p) => sum + p, 0);

/**
 * Measures some prompts of a step, for the log.
 * @throws {RunError} when the instruction has made valid answers unlikely
 */
export const probeInstruction = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  language: Language,
  guard: InstructionGuard,
): Promise<Record<string, number>> => {
  const some = prompts.slice(0, guard.prompts);
  if (some.length === 0) return {};
  const mean = async (instruction: readonly number[]): Promise<number> => {
    const all = await wholeAnswerProbabilities(trainee, some.map(withOptions), instruction);
    return meanOf(some.map((prompt, p) => validity(prompt, all[p]!)));
  };
  const plain = await mean([]);
  const instructed = await mean(language.refeedInstruction);
  if (plain >= guard.answeringFrom && instructed < guard.leastShare * plain)
    throw new RunError("the refeed's instruction destroys the answers", {
      where: `"${language.decode(language.refeedInstruction)}" behind ${some.length} prompts`,
      expected: `valid answers with a probability of at least ${guard.leastShare} x ${plain.toFixed(3)}`,
      got: instructed.toFixed(3),
      hint: "let supervised fine-tuning show the instruction (instructionShare), or set refeedTries to 0",
    });
  return { validAnswers: plain, validAnswersInstructed: instructed };
};
