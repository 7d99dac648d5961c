/** Batches of the policy-gradient step. Legend: P prompts of a step, G completions of a prompt. */
import type { TokenBatch } from "../batch/token-batch.ts";
import { drawnUnder } from "./draw-answers.ts";
import type { Trainee } from "./loop.ts";
import type { ComparedPrompt, PromptLayout } from "./prompt-layout.ts";
import type { Group } from "./rollout.ts";

/** A group with its advantages. */
export interface JudgedGroup<P extends ComparedPrompt = ComparedPrompt> {
  readonly group: Group<P>;
  /** [G] */
  readonly advantages: Float64Array;
  /** [G] 0 where a completion leaves the loss. */
  readonly weights: Float64Array;
}

/** Numbers of every scored token of all batches, padding included. */
export type PolicyFeeds = Readonly<Record<"weights" | "advantages" | "oldLogprobs", Float32Array>>;

/** What an update is computed from. */
export interface PolicyStep {
  readonly batches: readonly TokenBatch[];
  readonly feeds: PolicyFeeds;
  /** Places of the tokens that were drawn, among all scored rows; the others are padding. */
  readonly places: readonly number[];
}

/**
 * The completions of complete clips behind the prompts that they answered, scored under the distribution that they were
 * drawn from, and what the loss is fed.
 */
export const policyBatches = <P extends ComparedPrompt>(
  judged: readonly JudgedGroup<P>[],
  { temperature }: { readonly temperature: number },
  { rules }: Pick<Trainee, "rules">,
  layout: Pick<PromptLayout<P>, "completions">,
): PolicyStep => {
  const answered = judged.map(({ group }) => ({ prompt: group, complete: group.complete }));
  const made = layout.completions(answered, drawnUnder({ rules }, temperature));
  const total = made.reduce((sum, { batch }) => sum + batch.scored.rows.length, 0);
  const numbers = (): Float32Array => new Float32Array(total);
  const feeds = { weights: numbers(), advantages: numbers(), oldLogprobs: numbers() };
  const places: number[] = [];
  let start = 0;
  for (const { batch, scored } of made) {
    scored.forEach(({ prompt, completion: g, token }, m) => {
      const { group, advantages, weights } = judged[prompt]!;
      const { logprobs } = group.complete[g]!;
      const share = 1 / (judged.length * group.complete.length * logprobs.length);
      places.push(start + m);
      feeds.weights[start + m] = share * weights[g]!;
      feeds.advantages[start + m] = advantages[g]!;
      feeds.oldLogprobs[start + m] = logprobs[token]!;
    });
    start += batch.scored.rows.length;
  }
  return { batches: made.map(({ batch }) => batch), feeds, places };
};
