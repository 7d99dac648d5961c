import type { FrameBatch } from "../frames/frame-batch.ts";
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

/** A picture whose pixels stand block by block. */
interface Blocked {
  /** Luma; blue and red difference times {@link colourWeight}. */
  readonly luma: Float32Array;
  readonly blue: Float32Array;
  readonly red: Float32Array;
}

const colourWeight = 0.5;

/** Pixels of a picture in the order of its blocks, row by row, and where each block ends. */
const blockOrder = (
  width: number,
  height: number,
): { readonly pixels: Int32Array; readonly ends: Int32Array } => {
  const pixels: number[] = [];
  const ends: number[] = [];
  const edge = (at: number, length: number): number => Math.floor((at * length) / blocks);
  for (let row = 0; row < blocks; row++)
    for (let column = 0; column < blocks; column++) {
      for (let y = edge(row, height); y < edge(row + 1, height); y++)
        for (let x = edge(column, width); x < edge(column + 1, width); x++) pixels.push(y * width + x);
      ends.push(pixels.length);
    }
  return { pixels: Int32Array.from(pixels), ends: Int32Array.from(ends) };
};

const reordered = (values: Float32Array, order: Int32Array, weight: number): Float32Array => {
  const result = new Float32Array(order.length);
  for (let at = 0; at < order.length; at++) result[at] = weight * values[order[at]!]!;
  return result;
};

/** Mean difference of every block of two pictures, levels, without what all of luma changes by; 0 of a block without pixels. */
const blockDifferences = (
  a: Blocked,
  b: Blocked,
  flicker: number,
  ends: Int32Array,
  out: Float64Array,
): void => {
  const { luma: lumaA, blue: blueA, red: redA } = a;
  const { luma: lumaB, blue: blueB, red: redB } = b;
  for (let block = 0, at = 0; block < ends.length; block++) {
    const [start, end] = [at, ends[block]!];
    let sum = 0;
    for (; at < end; at++)
      sum +=
        Math.abs(lumaA[at]! - lumaB[at]! - flicker) +
        Math.abs(blueA[at]! - blueB[at]!) +
        Math.abs(redA[at]! - redB[at]!);
    out[block] = end > start ? sum / (end - start) : 0;
  }
};

/** Mean of the largest values, as many as `largest` holds; it is overwritten. */
const meanOfLargest = (values: Float64Array, largest: Float64Array): number => {
  largest.fill(0);
  const count = largest.length;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value <= largest[0]!) continue;
    let at = 0;
    for (; at + 1 < count && largest[at + 1]! < value; at++) largest[at] = largest[at + 1]!;
    largest[at] = value;
  }
  let sum = 0;
  for (let at = 0; at < count; at++) sum += largest[at]!;
  return sum / count;
};

/** Compares all frames of a batch with each other: [T, T] distances, on small pictures. */
export const frameDistances = (batch: FrameBatch): FrameDistances => {
  const count = batch.frames.length;
  const planes = batch.frames.map((_, at): Planes => planesOf(batch, at, comparedSide));
  const { width, height } = planes[0] ?? { width: 0, height: 0 };
  const { pixels, ends } = blockOrder(width, height);
  const blocked = planes.map(
    ({ luma, blue, red }): Blocked => ({
      luma: reordered(luma, pixels, 1),
      blue: reordered(blue, pixels, colourWeight),
      red: reordered(red, pixels, colourWeight),
    }),
  );
  const brightness = Float64Array.from(planes, ({ luma }) => meanLevel(luma));
  const changes = new Float64Array(blocks * blocks);
  const largest = new Float64Array(strongest);
  const matrix = new Float64Array(count * count);
  const overall = new Float64Array(count);
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) {
      blockDifferences(blocked[a]!, blocked[b]!, brightness[a]! - brightness[b]!, ends, changes);
      const distance = meanOfLargest(changes, largest);
      matrix[a * count + b] = distance;
      matrix[b * count + a] = distance;
      if (b === a + 1) overall[b] = meanLevel(changes);
    }
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
