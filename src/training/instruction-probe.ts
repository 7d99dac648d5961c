/**
 * Whether a model still answers when the refeed's instruction stands behind the question: an instruction that it never
 * saw before can make every valid answer unlikely, and what is drawn again then only burns time.
 */
import { segmentsBatch } from "../batch/segments-batch.ts";
import { RunError } from "../core/errors.ts";
import { meanOf } from "../objectives/group-statistics.ts";
import type { TrainingText } from "./clip.ts";
import type { InstructionGuard } from "./grpo-options.ts";
import type { Trainee } from "./loop.ts";
import { answeredPrompt, drawnUnder, type Language, type Prompt } from "./rollout.ts";

/** Probability of a valid answer, in [0, 1], without and with the instruction. */
export interface ValidAnswers {
  readonly plain: number;
  readonly instructed: number;
}

/** What a valid answer may be: an option's text, or its letter where letters are the answers; else the reference only. */
export const validAnswers = ({ answer, options }: Pick<TrainingText, "answer" | "options">): string[] => {
  if (options === undefined || options.length === 0) return [answer];
  const isLetter = /^[A-Z]$/.test(answer) && !options.includes(answer);
  return isLetter ? options.map((_, i) => String.fromCharCode(65 + i)) : [...options];
};

/**
 * Means over prompts: with options the probability of all of them together, each with its end; without, the reference's
 * probability a token (geometric mean), since any other text may be valid too.
 */
export const validAnswerProbability = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  language: Language,
  temperature: number,
): Promise<ValidAnswers> => {
  const { engine, rules, tokens } = trainee;
  const answers = prompts.map(({ text }) =>
    validAnswers(text).map((answer) => [...language.encode(answer), language.endToken]),
  );
  const rows = prompts.map(({ clip, text }, p) => ({
    clip: clip.patches,
    texts: [false, true].flatMap((refed) => {
      const prompt = answeredPrompt(text, refed, language);
      return answers[p]!.map((answer) => ({ tokens: [...prompt, ...answer], scoredFrom: prompt.length }));
    }),
  }));
  const drawn = drawnUnder(trainee, temperature);
  const { batch, scored } = segmentsBatch(rows, rules, { tokens, drawn });
  await using pass = await engine.forward([batch]);
  const { tokenLogprobs } = pass.outputs[0]!;
  const sums = rows.map(({ texts }) => texts.map(() => 0));
  scored.forEach(({ clip, text }, m) => {
    sums[clip]![text]! += tokenLogprobs[m]!;
  });
  const probability = (p: number, first: number): number => {
    const own = answers[p]!;
    const logprobs = sums[p]!.slice(first, first + own.length);
    if ((prompts[p]!.text.options ?? []).length === 0) return Math.exp(logprobs[0]! / own[0]!.length);
    return logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);
  };
  const means = (isInstructed: boolean): number =>
    meanOf(prompts.map((_, p) => probability(p, isInstructed ? answers[p]!.length : 0)));
  return { plain: means(false), instructed: means(true) };
};

/**
 * Measures some prompts of a step, for the log.
 * @throws {RunError} when the instruction has made valid answers unlikely
 */
export const probeInstruction = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  language: Language,
  { temperature, guard }: { readonly temperature: number; readonly guard: InstructionGuard },
): Promise<Record<string, number>> => {
  const some = prompts.slice(0, guard.prompts);
  if (some.length === 0) return {};
  const { plain, instructed } = await validAnswerProbability(trainee, some, language, temperature);
  if (instructed < guard.leastShare * plain)
    throw new RunError("the refeed's instruction destroys the answers", {
      where: `"${language.decode(language.refeedInstruction)}" behind ${some.length} prompts`,
      expected: `valid answers with a probability of at least ${guard.leastShare} x ${plain.toFixed(3)}`,
      got: instructed.toFixed(3),
      hint: "let supervised fine-tuning show the instruction (instructionShare), or set refeedTries to 0",
    });
  return { validAnswer: plain, validAnswerInstructed: instructed };
};
