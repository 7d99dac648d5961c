import { segmentsBatch } from "../batch/segments-batch.ts";
import type { CallOptions } from "../engine/contract.ts";
import type { TrainingClip, TrainingText } from "./clip.ts";
import type { Trainee } from "./loop.ts";

/** A clip and a closed question about it whose options are known as tokens. */
export interface ClosedPrompt {
  readonly clip: TrainingClip;
  readonly text: TrainingText & { readonly optionTargets: readonly (readonly number[])[] };
}

const isClosed = (text: TrainingText): text is ClosedPrompt["text"] => text.optionTargets !== undefined;

/** One closed question of each of the first `count` clips that have one: about the event where there is one. */
export const closedPrompts = (clips: readonly TrainingClip[], count: number): ClosedPrompt[] => {
  const prompts: ClosedPrompt[] = [];
  for (const clip of clips) {
    if (prompts.length === count) break;
    const closed = clip.texts.filter(isClosed);
    const text = closed.find(({ aboutEvent }) => aboutEvent) ?? closed[0];
    if (text !== undefined) prompts.push({ clip, text });
  }
  return prompts;
};

/** Probability of every option of each prompt, as whole answers with their end token. */
export const wholeAnswerProbabilities = async (
  { engine, rules, tokens }: Pick<Trainee, "engine" | "rules" | "tokens">,
  prompts: readonly ClosedPrompt[],
  instruction: readonly number[] = [],
  options: CallOptions = {},
): Promise<number[][]> => {
  const rows = prompts.map(({ clip, text }) => {
    const asked = [...text.prompt, ...instruction];
    return {
      clip: clip.patches,
      texts: text.optionTargets.map((target) => ({
        tokens: [...asked, ...target],
        scoredFrom: asked.length,
      })),
    };
  });
  const { batch, scored } = segmentsBatch(rows, rules, { tokens });
  await using pass = await engine.forward([batch], options);
  const { tokenLogprobs } = pass.outputs[0]!;
  const sums = prompts.map(({ text }) => text.optionTargets.map(() => 0));
  scored.forEach(({ clip, text }, m) => {
    sums[clip]![text]! += tokenLogprobs[m]!;
  });
  return sums.map((own) => own.map((sum) => Math.exp(sum)));
};

/**
 * Mean probability that an answer is one of the question's options, whichever. Near 1 for a model that answers; it falls
 * when what follows the question destroys the answer, such as an instruction that training never showed.
 *
 * @param instruction tokens behind the question; none: the bare question
 * @returns undefined for no prompts
 */
export const validAnswerProbability = async (
  trainee: Pick<Trainee, "engine" | "rules" | "tokens">,
  prompts: readonly ClosedPrompt[],
  instruction: readonly number[] = [],
  options: CallOptions = {},
): Promise<number | undefined> => {
  if (prompts.length === 0) return undefined;
  const all = await wholeAnswerProbabilities(trainee, prompts, instruction, options);
  const valid = all.map((own) => own.reduce((sum, p) => sum + p, 0));
  return valid.reduce((sum, p) => sum + p, 0) / valid.length;
};
