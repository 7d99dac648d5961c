import type { FrameBatch } from "../frames/frame-batch.ts";
import { emptyPlanes, type Planes, planesOf, reducedSize } from "../selection/motion/planes.ts";

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
  /** The largest of them all. */
  readonly largest: number;
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

/** Standard deviation of some levels about their mean. */
const spreadOf = (levels: Float32Array, mean: number): number => {
  let sum = 0;
  for (let at = 0; at < levels.length; at++) sum += Math.fround((levels[at]! - mean) ** 2);
  return levels.length === 0 ? 0 : Math.sqrt(sum / levels.length);
};

/** The middle of some numbers, the upper one of two; 0 of none. */
export const medianOf = (values: ArrayLike<number>): number =>
  Float64Array.from(values).sort()[values.length >> 1] ?? 0;

/** Numbers of a picture's pixel: luma; blue and red difference times {@link colourWeight}. */
const numbers = 3;
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

/** The {@link numbers} of every pixel, block by block, into `result`. */
const blockedPixels = ({ luma, blue, red }: Planes, order: Int32Array, result: Float64Array): void => {
  for (let at = 0, to = 0; at < order.length; at++, to += numbers) {
    const from = order[at]!;
    result[to] = luma[from]!;
    result[to + 1] = colourWeight * blue[from]!;
    result[to + 2] = colourWeight * red[from]!;
  }
};

/** Memory of the pictures that are compared, which is used again. */
const compared: Float64Array[] = [];
const memoryOf = (place: number, length: number): Float64Array => {
  const known = compared[place];
  if (known?.length === length) return known;
  compared[place] = new Float64Array(length);
  return compared[place];
};

/** Mean difference of every block of two pictures, levels, without what all of luma changes by; 0 of a block without pixels. */
const blockDifferences = (
  a: Float64Array,
  b: Float64Array,
  flicker: number,
  ends: Int32Array,
  out: Float64Array,
): void => {
  for (let block = 0, at = 0; block < ends.length; block++) {
    const start = at;
    const end = ends[block]! * numbers;
    let sum = 0;
    for (; at < end; at += numbers)
      sum +=
        Math.abs(a[at]! - b[at]! - flicker) +
        Math.abs(a[at + 1]! - b[at + 1]!) +
        Math.abs(a[at + 2]! - b[at + 2]!);
    out[block] = end > start ? sum / ((end - start) / numbers) : 0;
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

/** The largest distance of any two of `count` frames. */
const largestOf = (count: number, between: FrameDistances["between"]): number => {
  let most = 0;
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) most = Math.max(most, between(a, b));
  return most;
};

/** Compares all frames of a batch with each other: [T, T] distances, on small pictures. */
export const frameDistances = (batch: FrameBatch): FrameDistances => {
  const count = batch.frames.length;
  const { width, height } = reducedSize(batch.width, batch.height, comparedSide);
  const { pixels, ends } = blockOrder(width, height);
  const planes = emptyPlanes(width, height);
  const [brightness, contrast] = [new Float64Array(count), new Float64Array(count)];
  const blocked = batch.frames.map((_, at) => {
    planesOf(batch, at, comparedSide, planes);
    brightness[at] = meanLevel(planes.luma);
    contrast[at] = spreadOf(planes.luma, brightness[at]);
    const result = memoryOf(at, pixels.length * numbers);
    blockedPixels(planes, pixels, result);
    return result;
  });
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
  const between = (a: number, b: number): number => matrix[a * count + b]!;
  return { count, between, largest: largestOf(count, between), overall, brightness, contrast };
};

/** The same of a run of frames; places count from `start`. */
export const distancesWithin = (whole: FrameDistances, start: number, end: number): FrameDistances => {
  const count = end - start;
  const between = (a: number, b: number): number => whole.between(start + a, start + b);
  return {
    count,
    between,
    largest: largestOf(count, between),
    overall: whole.overall.slice(start, end),
    brightness: whole.brightness.slice(start, end),
    contrast: whole.contrast.slice(start, end),
  };
};
