/**
 * Prompts of a batch as vLLM takes them: token ids with the pictures at their placeholders, and what it needs to give
 * them the positions that the trainer gives them.
 *
 * Legend: T tokens of a prompt.
 */
import type { BatchRules } from "../../batch/batch-rules.ts";
import { visualTokensOfStep } from "../../batch/batch-rules.ts";
import type { MediaStep } from "../../batch/media-step.ts";
import { blankSource, paddingSegment, type TokenBatch, wordSource } from "../../batch/token-batch.ts";
import { ConfigError, EngineError } from "../../core/errors.ts";

/** A clip or a picture in a prompt. */
export interface ServedMedia {
  readonly kind: "image" | "video";
  /** First of its placeholders, and how many there are. */
  readonly offset: number;
  readonly length: number;
  readonly steps: readonly MediaStep[];
  /** Positions in time from step to step; step k stands at trunc(k * rate). */
  readonly rate: number;
}

/** A prompt. */
export interface ServedPrompt {
  /** [T] */
  readonly tokens: readonly number[];
  readonly media: readonly ServedMedia[];
}

/** A row's tokens with what stands at them. */
interface Row {
  readonly tokens: readonly number[];
  readonly sources: readonly number[];
  /** [3][T] */
  readonly positions: readonly (readonly number[])[];
}

/** The tokens of a row. @throws {EngineError} for texts beside each other, which no prompt of vLLM's can be */
const rowOf = (batch: TokenBatch, row: number): Row => {
  const { length, samples, segments, parents, ids, source, positions } = batch;
  const start = row * length;
  let used = 0;
  while (used < length && segments[start + used] !== paddingSegment) used++;
  for (let t = 1; t < used; t++) {
    const [before, own] = [segments[start + t - 1]!, segments[start + t]!];
    if (own !== before && parents[own] !== before)
      throw new EngineError("a prompt of texts that do not see each other", {
        where: `prompt ${row}, token ${t}`,
        expected: "one text",
      });
  }
  const plane = samples * length;
  const part = (values: Int32Array, offset: number): number[] => [
    ...values.subarray(offset + start, offset + start + used),
  ];
  return {
    tokens: part(ids, 0),
    sources: part(source, 0),
    positions: [0, 1, 2].map((axis) => part(positions, axis * plane)),
  };
};

/** A number of positions a step for which trunc(k * rate) is the time of every step; undefined: there is none. */
const rateOf = (times: readonly number[], isCounted: boolean): number | undefined => {
  if (isCounted || times.length < 2) return 1;
  let [least, most] = [0, Number.POSITIVE_INFINITY];
  times.forEach((time, k) => {
    if (k === 0) return;
    least = Math.max(least, time / k);
    most = Math.min(most, (time + 1) / k);
  });
  // The middle is the number that rounding hurts least.
  const rate = (least + most) / 2;
  return times.every((time, k) => Math.trunc(k * rate) === time) ? rate : undefined;
};

/** What is read off a batch besides its rows. */
export interface ServedRules {
  readonly rules: BatchRules;
  /** The family counts steps instead of seconds: Qwen2-VL. */
  readonly countsSteps: boolean;
}

/** The clip or picture whose placeholders begin at `offset`. */
const mediaAt = (
  row: Row,
  offset: number,
  starts: readonly number[],
  media: readonly MediaStep[],
  { rules, countsSteps }: ServedRules,
  where: string,
): ServedMedia => {
  const { tokens, sources, positions } = row;
  const steps: MediaStep[] = [];
  const times: number[] = [];
  let end = offset;
  while (end < tokens.length && tokens[end] === tokens[offset] && sources[end] !== wordSource) {
    const place = starts.indexOf(sources[end]!);
    const step = media[place];
    const size = step === undefined ? 0 : visualTokensOfStep(step.rows, step.columns, rules);
    const isWhole = sources.slice(end, end + size).every((source, i) => source === sources[end]! + i);
    if (step === undefined || !isWhole || sources[end] === blankSource)
      throw new EngineError("a prompt that shows parts of a picture, or hides it", { where });
    steps.push(step);
    times.push(positions[0]![end]! - positions[0]![offset]!);
    end += size;
  }
  const rate = rateOf(times, countsSteps);
  if (rate === undefined)
    throw new ConfigError("steps of a clip that are not equally far apart", {
      where,
      expected: "times that vLLM can compute: trunc(k * rate)",
      got: times.slice(0, 12).join(", "),
    });
  const kind = tokens[offset] === rules.tokens.image ? "image" : "video";
  return { kind, offset, length: end - offset, steps, rate };
};

/**
 * The positions that vLLM gives a prompt: what follows a picture begins behind its largest position.
 *
 * @source vLLM 0.32.0, `Qwen2_5_VLForConditionalGeneration.get_mrope_input_positions`
 * @returns [3][T], and the position of the token that follows
 */
export const vllmPositions = (
  { tokens, media }: ServedPrompt,
  mergeSize: number,
): { readonly positions: readonly (readonly number[])[]; readonly next: number } => {
  const positions: number[][] = [[], [], []];
  let next = 0;
  const put = (time: number, row: number, column: number): void => {
    [time, row, column].forEach((value, part) => {
      positions[part]!.push(value);
    });
  };
  let largest = -1;
  for (let t = 0; t < tokens.length; ) {
    const shown = media.find(({ offset }) => offset === t);
    if (shown === undefined) {
      put(next, next, next);
      largest = next++;
      t++;
      continue;
    }
    const { rows, columns } = shown.steps[0]!;
    const [height, width] = [rows / mergeSize, columns / mergeSize];
    shown.steps.forEach((_, k) => {
      for (let i = 0; i < height * width; i++) {
        const at = [Math.trunc(k * shown.rate), Math.floor(i / width), i % width] as const;
        put(next + at[0], next + at[1], next + at[2]);
        largest = Math.max(largest, next + Math.max(...at));
      }
    });
    next = largest + 1;
    t += shown.length;
  }
  return { positions, next };
};

/** @throws {ConfigError} where vLLM would compute other positions than the batch has */
const checkPositions = (
  prompt: ServedPrompt,
  { positions: wanted }: Row,
  nextPosition: number,
  { mergeSize }: BatchRules,
  where: string,
): void => {
  const { positions, next } = vllmPositions(prompt, mergeSize);
  const at = prompt.tokens.findIndex((_, t) => positions.some((part, p) => part[t] !== wanted[p]![t]));
  if (at < 0 && next === nextPosition) return;
  const shown = (all: readonly (readonly number[])[], behind: number): string =>
    at < 0 ? String(behind) : all.map((part) => part[at]).join(", ");
  throw new ConfigError("positions of a prompt that vLLM does not compute", {
    where: `${where}, token ${at < 0 ? prompt.tokens.length : at}`,
    expected: shown(positions, next),
    got: shown(wanted, nextPosition),
    hint: "completions would be drawn from another model than the trained one; see docs/positions.md",
  });
};

/**
 * The prompts of a batch, a row each.
 *
 * @throws {ConfigError} where vLLM would compute other positions than the batch has
 * @throws {EngineError} for rows that are not one text behind whole pictures
 */
export const servedPrompts = (
  batch: TokenBatch,
  nextPositions: readonly number[],
  served: ServedRules,
): ServedPrompt[] => {
  const { samples, media, scale } = batch;
  if (scale !== undefined) throw new EngineError("prompts with dropout", { expected: "whole visual tokens" });
  const { rules } = served;
  let visual = 0;
  const starts = media.map(({ rows, columns }) => {
    visual += visualTokensOfStep(rows, columns, rules);
    return visual - visualTokensOfStep(rows, columns, rules);
  });
  return Array.from({ length: samples }, (_, b) => {
    const where = `prompt ${b}`;
    const row = rowOf(batch, b);
    const shown: ServedMedia[] = [];
    for (let t = 0; t < row.tokens.length; ) {
      if (row.sources[t] === wordSource) {
        t++;
        continue;
      }
      const made = mediaAt(row, t, starts, media, served, where);
      shown.push(made);
      t += made.length;
    }
    const prompt = { tokens: row.tokens, media: shown };
    checkPositions(prompt, row, nextPositions[b]!, rules, where);
    return prompt;
  });
};
