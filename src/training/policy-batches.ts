/** Batches of the policy-gradient step. Legend: P prompts of a step, G completions of a prompt. */
import type { ClipSegments } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import type { Trainee } from "./loop.ts";
import { answeredPrompt, drawnUnder, type Group, type Language } from "./rollout.ts";

/** A group with its advantages. */
export interface JudgedGroup {
  readonly group: Group;
  /** [G] */
  readonly advantages: Float64Array;
  /** [G] 0 where a completion leaves the loss. */
  readonly weights: Float64Array;
}

/** Numbers of every scored token of all batches, padding included. */
export type PolicyFeeds = Readonly<Record<"weights" | "advantages" | "oldLogprobs", Float32Array>>;

const rowOf = ({ group: { clip, text, complete } }: JudgedGroup, language: Language): ClipSegments => {
  const texts = complete.map(({ tokens, finish, refed }) => {
    const prompt = answeredPrompt(text, refed, language);
    const ended = finish === "stop" ? [language.endToken] : [];
    return { tokens: [...prompt, ...tokens, ...ended], scoredFrom: prompt.length };
  });
  return { clip: clip.patches, texts };
};

/**
 * The completions of complete clips behind the prompts that they answered, scored under the distribution that they were
 * drawn from, and what the loss is fed.
 */
export const policyBatches = (
  judged: readonly JudgedGroup[],
  {
    batchesPerStep: count = 1,
    temperature,
  }: { readonly batchesPerStep?: number; readonly temperature: number },
  { rules, tokens: frame }: Pick<Trainee, "rules" | "tokens">,
  language: Language,
): { readonly batches: readonly TokenBatch[]; readonly feeds: PolicyFeeds } => {
  const size = Math.ceil(judged.length / count);
  const drawn = drawnUnder({ rules }, temperature);
  const made = Array.from({ length: Math.ceil(judged.length / size) }, (_, i) => {
    const own = judged.slice(i * size, (i + 1) * size);
    const rows = own.map((one) => rowOf(one, language));
    return { own, ...segmentsBatch(rows, rules, { tokens: frame, drawn }) };
  });
  const total = made.reduce((sum, { batch }) => sum + batch.scored.rows.length, 0);
  const numbers = (): Float32Array => new Float32Array(total);
  const feeds = { weights: numbers(), advantages: numbers(), oldLogprobs: numbers() };
  let start = 0;
  for (const { own, batch, scored } of made) {
    scored.forEach(({ clip: p, text: g, token }, m) => {
      const { group, advantages, weights } = own[p]!;
      const { refed, logprobs } = group.complete[g]!;
      const share = 1 / (judged.length * group.complete.length * logprobs.length);
      feeds.weights[start + m] = share * weights[g]!;
      feeds.advantages[start + m] = advantages[g]!;
      feeds.oldLogprobs[start + m] = logprobs[token - answeredPrompt(group.text, refed, language).length]!;
    });
    start += batch.scored.rows.length;
  }
  return { batches: made.map(({ batch }) => batch), feeds };
};
