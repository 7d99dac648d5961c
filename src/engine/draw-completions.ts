import { ConfigError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { TextConfig } from "../model/config.ts";
import { ropeTables } from "../model/qwen2_5_vl/batch.ts";
import type { Completion, FeedArray, SampleRequest } from "./contract.ts";
import { checkStopText, cutAtStop } from "./stop-text.ts";
import { checkTokenChoice, drawToken } from "./token-choice.ts";

/** Where the logits of a request come from. Legend: R rows (completions of all prompts, in order), V vocabulary. */
export interface NextLogits {
  /** [prompts, V] behind the prompts. */
  readonly first: Float32Array;
  /** [R, V] behind one more token a row; `step` counts from 0. */
  readonly next: (tokens: BigInt64Array, step: number) => Promise<Float32Array>;
}

/**
 * Checks a request for completions.
 * @throws {ConfigError} naming what of it is out of range
 */
export const checkSampleRequest = (request: SampleRequest, vocabSize: number): void => {
  checkTokenChoice(request, vocabSize);
  if (request.stopText !== undefined) checkStopText(request.stopText);
  for (const what of ["completions", "maxNewTokens"] as const)
    if (!Number.isInteger(request[what]) || request[what] < 1)
      throw new ConfigError(what, { expected: "an integer, 1 or more", got: String(request[what]) });
  const counted = request.promptTokens?.length ?? 0;
  if ((request.repetitionPenalty ?? 1) !== 1 && counted !== request.lengths.length)
    throw new ConfigError("repetition penalty without the prompts' tokens", {
      expected: `promptTokens of ${request.lengths.length} prompts`,
      got: String(counted),
    });
};

/** One completion while it is drawn. */
class Row {
  readonly #request: SampleRequest;
  readonly #random: Random;
  readonly #seen: Set<number>;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  #finish: Completion["finish"] = "length";
  #text: string | undefined;
  done = false;

  constructor(request: SampleRequest, row: number) {
    this.#request = request;
    this.#random = request.random.fork("completion", row);
    this.#seen = new Set(request.promptTokens?.[Math.floor(row / request.completions)]);
  }

  /** Draws the next token from its logits [V]. @returns it */
  draw(logits: Float32Array): number {
    const { token, logprob } = drawToken(logits, this.#request, this.#random, this.#seen);
    this.#logprobs.push(logprob);
    if (this.#request.stopTokens.includes(token)) this.#end("stop");
    else {
      this.#tokens.push(token);
      this.#seen.add(token);
      this.#readText();
      if (!this.done && this.#tokens.length >= this.#request.maxNewTokens) this.#end("length");
    }
    return token;
  }

  completion(): Completion {
    const made = { tokens: this.#tokens, logprobs: this.#logprobs, finish: this.#finish };
    if (this.#request.stopText === undefined) return made;
    return { ...made, text: this.#text ?? "" };
  }

  #readText(): void {
    const { stopText } = this.#request;
    if (stopText === undefined) return;
    const { text, found } = cutAtStop(stopText.decode(this.#tokens), stopText.strings);
    this.#text = text;
    if (found) this.#end("stop");
  }

  #end(finish: Completion["finish"]): void {
    this.done = true;
    this.#finish = finish;
  }
}

/** Draws one token a row and step until all rows have ended: result[prompt][completion]. */
export const drawCompletions = async (
  request: SampleRequest,
  vocabSize: number,
  { first, next }: NextLogits,
): Promise<Completion[][]> => {
  const prompts = request.lengths.length;
  const rows = Array.from({ length: prompts * request.completions }, (_, row) => new Row(request, row));
  const ids = new BigInt64Array(rows.length);
  const choose = (logits: Float32Array, rowOfLogits: (row: number) => number): void => {
    rows.forEach((row, at) => {
      if (row.done) return;
      const from = rowOfLogits(at) * vocabSize;
      ids[at] = BigInt(row.draw(logits.subarray(from, from + vocabSize)));
    });
  };
  choose(first, (row) => Math.floor(row / request.completions));
  for (let step = 0; rows.some(({ done }) => !done); step++) choose(await next(ids, step), (row) => row);
  return Array.from({ length: prompts }, (_, prompt) =>
    rows
      .slice(prompt * request.completions, (prompt + 1) * request.completions)
      .map((row) => row.completion()),
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
  const capacity = to.length / (request.lengths.length * request.completions * kvHeads * headDim);
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
