import type { FrameBatch } from "../frames/frame-batch.ts";
import { blockChange, meanOfStrongest } from "../selection/motion/block-change.ts";
import { type Planes, planesOf } from "../selection/motion/planes.ts";

/** Longest side of the pictures that are compared. */
const comparedSide = 64;
const blocks = 12;
/** A small thing that moves covers few blocks: the strongest ones count, of all {@link blocks} squared. */
const strongest = 7;

/** How different frames look, and how bright they are; places are 0-based in the batch. */
export interface FrameDistances {
  readonly count: number;
  /** Mean difference of the most different blocks, in levels (0 to 255), without what changes everywhere alike. */
  between(a: number, b: number): number;
  /** Mean difference of all blocks to the frame before, levels; the first is 0. */
  readonly overall: Float64Array;
  /** Mean luma and its standard deviation over the picture, levels. */
  readonly brightness: Float64Array;
  readonly contrast: Float64Array;
}

/** The mean of some numbers; 0 of none. */
export const meanLevel = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  return values.length === 0 ? 0 : sum / values.length;
};

/** The middle of some numbers, the upper one of two; 0 of none. */
export const medianOf = (values: ArrayLike<number>): number =>
  Float64Array.from(values).sort()[values.length >> 1] ?? 0;

/** Compares all frames of a batch with each other: [T, T] distances, on small pictures. */
export const frameDistances = (batch: FrameBatch): FrameDistances => {
  const count = batch.frames.length;
  const planes = batch.frames.map((_, at): Planes => planesOf(batch, at, comparedSide));
  const options = { blocks, colourWeight: 0.5, removeFlicker: true };
  const changes = new Float64Array(blocks * blocks);
  const scratch = new Float64Array(blocks * blocks);
  const matrix = new Float64Array(count * count);
  const overall = new Float64Array(count);
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      blockChange(planes[a]!, planes[b]!, { dx: 0, dy: 0 }, options, changes);
      const distance = meanOfStrongest(changes, strongest, scratch);
      matrix[a * count + b] = distance;
      matrix[b * count + a] = distance;
      if (b === a + 1) overall[b] = meanLevel(changes);
    }
  const brightness = Float64Array.from(planes, ({ luma }) => meanLevel(luma));
  const contrast = Float64Array.from(planes, ({ luma }, at) =>
    Math.sqrt(meanLevel(luma.map((value) => (value - brightness[at]!) ** 2))),
  );
  return { count, between: (a, b) => matrix[a * count + b]!, overall, brightness, contrast };
};

/** The same of a run of frames; places count from `start`. */
export const distancesWithin = (whole: FrameDistances, start: number, end: number): FrameDistances => ({
  count: end - start,
  between: (a, b) => whole.between(start + a, start + b),
  overall: whole.overall.slice(start, end),
  brightness: whole.brightness.slice(start, end),
  contrast: whole.contrast.slice(start, end),
});
