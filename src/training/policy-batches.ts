/** Batches of the policy-gradient step. Legend: P prompts of a step, G completions of a prompt. */
import type { ClipSegments, TextSegment } from "../batch/segments.ts";
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

/** A clip with its completions, and which completion each of its texts is; a prompt is none. */
interface PolicyRow {
  readonly row: ClipSegments;
  readonly completionOf: readonly (number | undefined)[];
}

/** Each prompt that was answered stands once behind the clip; its completions go on from it. */
const rowOf = ({ group: { clip, text, complete } }: JudgedGroup, language: Language): PolicyRow => {
  const texts: TextSegment[] = [];
  const completionOf: (number | undefined)[] = [];
  for (const instructed of [false, true]) {
    const own = complete.flatMap((drawn, g) => (drawn.refed === instructed ? [{ drawn, g }] : []));
    if (own.length === 0) continue;
    const prompt = answeredPrompt(text, instructed, language);
    const continues = texts.push({ tokens: prompt, scoredFrom: prompt.length }) - 1;
    completionOf.push(undefined);
    for (const { drawn, g } of own) {
      const ended = drawn.finish === "stop" ? [language.endToken] : [];
      texts.push({ tokens: [...drawn.tokens, ...ended], scoredFrom: 0, continues });
      completionOf.push(g);
    }
  }
  return { row: { clip: clip.patches, texts }, completionOf };
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
    const made = segmentsBatch(
      rows.map(({ row }) => row),
      rules,
      { tokens: frame, drawn },
    );
    return { own, rows, ...made };
  });
  const total = made.reduce((sum, { batch }) => sum + batch.scored.rows.length, 0);
  const numbers = (): Float32Array => new Float32Array(total);
  const feeds = { weights: numbers(), advantages: numbers(), oldLogprobs: numbers() };
  let start = 0;
  for (const { own, rows, batch, scored } of made) {
    scored.forEach(({ clip: p, text, token }, m) => {
      const { group, advantages, weights } = own[p]!;
      const g = rows[p]!.completionOf[text]!;
      const { logprobs } = group.complete[g]!;
      const share = 1 / (judged.length * group.complete.length * logprobs.length);
      feeds.weights[start + m] = share * weights[g]!;
      feeds.advantages[start + m] = advantages[g]!;
      feeds.oldLogprobs[start + m] = logprobs[token]!;
    });
    start += batch.scored.rows.length;
  }
  return { batches: made.map(({ batch }) => batch), feeds };
};
