import { ropeTables } from "../model/qwen2_5_vl/batch.ts";
import type { TextConfig } from "../model/qwen2_5_vl/config.ts";
import type { Completion, FeedArray, SampleRequest } from "./contract.ts";
import { drawToken } from "./token-choice.ts";

/** Where the logits of a request come from. Legend: R rows (completions of all prompts, in order), V vocabulary. */
export interface NextLogits {
  /** [prompts, V] behind the prompts. */
  readonly first: Float32Array;
  /** [R, V] behind one more token a row; `step` counts from 0. */
  readonly next: (tokens: BigInt64Array, step: number) => Promise<Float32Array>;
}

/** Draws one token a row and step until all rows have ended: result[prompt][completion]. */
export const drawCompletions = async (
  request: SampleRequest,
  vocabSize: number,
  { first, next }: NextLogits,
): Promise<Completion[][]> => {
  const prompts = request.lengths.length;
  const rows = Array.from({ length: prompts * request.completions }, (_, row) => ({
    random: request.random.fork("completion", row),
    tokens: [] as number[],
    logprobs: [] as number[],
    finish: "length" as Completion["finish"],
    done: false,
  }));
  const ids = new BigInt64Array(rows.length);
  const choose = (logits: Float32Array, rowOfLogits: (row: number) => number): void => {
    rows.forEach((completion, row) => {
      if (completion.done) return;
      const from = rowOfLogits(row) * vocabSize;
      const choice = drawToken(logits.subarray(from, from + vocabSize), request, completion.random);
      completion.logprobs.push(choice.logprob);
      if (request.stopTokens.includes(choice.token)) {
        completion.done = true;
        completion.finish = "stop";
      } else {
        completion.tokens.push(choice.token);
        completion.done = completion.tokens.length >= request.maxNewTokens;
      }
      ids[row] = BigInt(choice.token);
    });
  };
  choose(first, (row) => Math.floor(row / request.completions));
  for (let step = 0; rows.some(({ done }) => !done); step++) choose(await next(ids, step), (row) => row);
  const completions = rows.map(({ tokens, logprobs, finish }) => ({ tokens, logprobs, finish }));
  return Array.from({ length: prompts }, (_, prompt) =>
    completions.slice(prompt * request.completions, (prompt + 1) * request.completions),
  );
};

/** Numbers of a decoding step besides the tokens: `cos`, `sin` [R, d / 2], `last` [R] and `total` [1]. */
export const decodeFeeds = (
  request: SampleRequest,
  step: number,
  text: TextConfig,
): Readonly<Record<"cos" | "sin" | "last" | "total", FeedArray>> => {
  const rows = request.lengths.length * request.completions;
  const last = new Int32Array(rows);
  const positions = new Int32Array(3 * rows);
  for (let row = 0; row < rows; row++) {
    const prompt = Math.floor(row / request.completions);
    last[row] = request.lengths[prompt]! + step;
    for (let axis = 0; axis < 3; axis++) positions[axis * rows + row] = request.nextPositions[prompt]! + step;
  }
  const total = Int32Array.of(Math.max(...request.lengths) + step + 1);
  return { ...ropeTables(positions, text), last, total };
};

/** Cache capacities are rounded up to this many tokens, so that few different graphs are compiled. */
const capacityStep = 32;

/** Positions that the cache of a row must hold. */
export const cacheCapacity = ({ lengths, maxNewTokens }: SampleRequest): number =>
  Math.ceil((Math.max(...lengths) + maxNewTokens) / capacityStep) * capacityStep;

/** Copies a prompt's keys or values [B, K, T, d] of one block into the caches [R, K, L, d] of its completions. */
export const fillCache = (
  from: Float32Array,
  to: Float32Array,
  request: SampleRequest,
  { kvHeads, headDim }: Pick<TextConfig, "kvHeads" | "headDim">,
): void => {
  const { length } = request.batch.language;
  const capacity = cacheCapacity(request);
  request.lengths.forEach((used, prompt) => {
    for (let head = 0; head < kvHeads; head++) {
      const at = (prompt * kvHeads + head) * length * headDim;
      const piece = from.subarray(at, at + used * headDim);
      for (let copy = 0; copy < request.completions; copy++) {
        const row = prompt * request.completions + copy;
        to.set(piece, (row * kvHeads + head) * capacity * headDim);
      }
    }
  });
};
