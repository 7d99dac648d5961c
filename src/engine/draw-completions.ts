import { paddingSegment, type TokenBatch, usedLengths } from "../batch/token-batch.ts";
import { ConfigError, ShapeError } from "../core/errors.ts";
import { type Random, seededRandom } from "../core/random.ts";
import type { TextConfig } from "../model/config.ts";
import { ropeTables } from "../model/position-tables.ts";
import type { Completion, CompletionWatch, FeedArray, SampleRequest } from "./contract.ts";
import { checkTokenChoice, drawToken } from "./token-choice.ts";

/** Where the logits of a request come from. Legend: R rows (completions of all prompts, in order), V vocabulary. */
export interface NextLogits {
  /** [prompts, V] behind the prompts. */
  readonly first: Float32Array;
  /** [R, V] behind one more token a row; `step` counts from 0. */
  readonly next: (tokens: BigInt64Array, step: number) => Promise<Float32Array>;
}

/** Whether the last row of a prompt sees all of it: what is drawn sees all that is in the cache. */
const seesAll = ({ length, segments, parents }: TokenBatch, prompt: number, used: number): boolean => {
  const own = segments.subarray(prompt * length, prompt * length + used);
  const seen = new Set<number>();
  for (let segment = own.at(-1)!; segment !== -1; segment = parents[segment]!) seen.add(segment);
  return own.every((segment) => seen.has(segment));
};

/** Prompts must be left-aligned and of one piece, each scored at its last position. */
const checkPrompts = ({ batch, nextPositions, numbers }: SampleRequest): void => {
  const { samples, length, segments, scored } = batch;
  if (numbers !== undefined && numbers.length !== samples)
    throw new ShapeError("numbers of prompts", { expected: String(samples), got: String(numbers.length) });
  if (nextPositions.length !== samples || scored.rows.length !== samples)
    throw new ShapeError("prompts of a batch", {
      expected: `${samples} next positions and scored rows`,
      got: `${nextPositions.length} and ${scored.rows.length}`,
    });
  usedLengths(batch).forEach((used, prompt) => {
    const isLeft = used > 0 && segments[prompt * length + used - 1] !== paddingSegment;
    if (!isLeft || scored.rows[prompt] !== prompt * length + used - 1)
      throw new ShapeError("a prompt", {
        where: `row ${prompt}`,
        expected: "tokens from the left on, the last of them scored",
      });
    if (!seesAll(batch, prompt, used))
      throw new ShapeError("a prompt", {
        where: `row ${prompt}`,
        expected: "one text: its last token sees all of it",
      });
  });
};

/**
 * Checks a request for completions.
 * @throws {ConfigError} naming what of it is out of range
 * @throws {ShapeError} for prompts that are not left-aligned or not scored at their ends
 */
export const checkSampleRequest = (request: SampleRequest, vocabSize: number): void => {
  checkTokenChoice(request, vocabSize);
  for (const what of ["completions", "maxNewTokens"] as const)
    if (!Number.isInteger(request[what]) || request[what] < 1)
      throw new ConfigError(what, { expected: "an integer, 1 or more", got: String(request[what]) });
  checkPrompts(request);
};

/** Tokens of a prompt: what a repetition penalty counts, as transformers does. */
const promptTokens = ({ length, ids, segments }: TokenBatch, prompt: number): number[] =>
  [...ids.subarray(prompt * length, (prompt + 1) * length)].filter(
    (_, at) => segments[prompt * length + at] !== paddingSegment,
  );

/** One completion while it is drawn. */
class Row {
  readonly #request: SampleRequest;
  readonly #row: number;
  readonly #watch: CompletionWatch | undefined;
  readonly #random: Random;
  readonly #seen: Set<number>;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  #finish: Completion["finish"] = "length";
  done = false;

  constructor(request: SampleRequest, row: number, watch: CompletionWatch | undefined) {
    this.#request = request;
    this.#row = row;
    this.#watch = watch;
    const prompt = Math.floor(row / request.completions);
    const number = request.numbers?.[prompt] ?? prompt;
    const draw = number * request.completions + (row % request.completions);
    this.#random = seededRandom(request.seed, "completion", draw);
    const isCounted = (request.repetitionPenalty ?? 1) !== 1;
    this.#seen = new Set(isCounted ? promptTokens(request.batch, prompt) : []);
  }

  /** Draws the next token from its logits [V]. @returns it */
  draw(logits: Float32Array): number {
    const { token, logprob } = drawToken(logits, this.#request, this.#random, this.#seen);
    this.#logprobs.push(logprob);
    if (this.#request.stopTokens.includes(token)) this.#end("stop");
    else {
      this.#tokens.push(token);
      this.#seen.add(token);
      if (this.#watch?.(this.#row, this.#tokens) === true) this.#end("stop");
      else if (this.#tokens.length >= this.#request.maxNewTokens) this.#end("length");
    }
    return token;
  }

  completion(): Completion {
    return { tokens: this.#tokens, logprobs: this.#logprobs, finish: this.#finish };
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
  watch?: CompletionWatch,
): Promise<Completion[][]> => {
  const prompts = request.batch.samples;
  const count = prompts * request.completions;
  const rows = Array.from({ length: count }, (_, row) => new Row(request, row, watch));
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
  const lengths = usedLengths(request.batch);
  const rows = lengths.length * request.completions;
  const last = new Int32Array(rows);
  const positions = new Int32Array(3 * rows);
  for (let row = 0; row < rows; row++) {
    const prompt = Math.floor(row / request.completions);
    last[row] = lengths[prompt]! + step;
    for (let axis = 0; axis < 3; axis++) positions[axis * rows + row] = request.nextPositions[prompt]! + step;
  }
  const total = Int32Array.of(Math.max(...lengths) + step + 1);
  return { ...ropeTables(positions, text), last, total };
};

/** Cache capacities are rounded up to this many tokens, so that few different graphs are compiled. */
const capacityStep = 32;

/** Positions that the cache of a row must hold. */
export const cacheCapacity = ({ batch, maxNewTokens }: SampleRequest): number =>
  Math.ceil((Math.max(...usedLengths(batch)) + maxNewTokens) / capacityStep) * capacityStep;

/** Copies a prompt's keys or values [B, K, T, d] of one block into the caches [R, K, L, d] of its completions. */
export const fillCache = (
  from: Float32Array,
  to: Float32Array,
  request: SampleRequest,
  { kvHeads, headDim }: Pick<TextConfig, "kvHeads" | "headDim">,
): void => {
  const { samples, length } = request.batch;
  const capacity = to.length / (samples * request.completions * kvHeads * headDim);
  usedLengths(request.batch).forEach((used, prompt) => {
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
