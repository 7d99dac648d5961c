import type { FrameBatch } from "../../frames/frame-batch.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";

/** One small picture: luma, blue and red difference, each [height, width] float32 in levels (0..255, -128..127). */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly luma: Float32Array;
  readonly blue: Float32Array;
  readonly red: Float32Array;
}

/** The size that a picture is reduced to: the longest side at most `longestSide`, each side at least 8 where it was. */
export const reducedSize = (
  width: number,
  height: number,
  longestSide: number,
): { width: number; height: number } => {
  const scale = Math.min(1, longestSide / Math.max(width, height));
  const side = (length: number): number => Math.max(Math.min(8, length), Math.round(length * scale));
  return { width: side(width), height: side(height) };
};

/** First source column (or row) of every reduced one, and the end: [reduced + 1]. */
const edges = (reduced: number, source: number): Int32Array => {
  const found = new Int32Array(reduced + 1);
  for (let at = 0; at <= reduced; at++) found[at] = Math.floor((at * source) / reduced);
  return found;
};

/** Rows that {@link sumRows} adds up at most: two sums of bytes share one number of 32 bits. */
const mostRows = 257;

/**
 * Adds up rows `top` to `bottom` of a picture, byte by byte: `sums` [row's bytes]. Four bytes at a time where rows begin at
 * a multiple of four bytes.
 */
const sumRows = (pixels: Uint8Array, top: number, bottom: number, sums: Int32Array): void => {
  const row = sums.length;
  if (row % 4 !== 0 || pixels.byteOffset % 4 !== 0 || bottom - top > mostRows) {
    sums.fill(0);
    for (let y = top, from = top * row; y < bottom; y++)
      for (let at = 0; at < row; at++, from++) sums[at] = sums[at]! + pixels[from]!;
    return;
  }
  const step = row / 4;
  const words = new Int32Array(pixels.buffer, pixels.byteOffset, step * bottom);
  for (let word = 0, to = 0; word < step; word++, to += 4) {
    let [even, odd] = [0, 0];
    for (let from = top * step + word, end = bottom * step; from < end; from += step) {
      const four = words[from]!;
      even += four & 0x00ff00ff;
      odd += (four >>> 8) & 0x00ff00ff;
    }
    sums[to] = even & 0xffff;
    sums[to + 1] = odd & 0xffff;
    sums[to + 2] = even >>> 16;
    sums[to + 3] = odd >>> 16;
  }
};

/** Planes of a size; what is in them is 0. */
export const emptyPlanes = (width: number, height: number): Planes => ({
  width,
  height,
  luma: new Float32Array(width * height),
  blue: new Float32Array(width * height),
  red: new Float32Array(width * height),
});

/**
 * The frame at `position` as planes, every value the mean of the source pixels it covers (BT.601 weights).
 *
 * @param memory planes of the reduced size that are written over; new ones when left out
 */
export const planesOf = (
  batch: FrameBatch,
  position: number,
  longestSide: number,
  memory?: Planes,
): Planes => {
  const pixels = pixelsOf(batch, position);
  const { width, height } = reducedSize(batch.width, batch.height, longestSide);
  const columns = edges(width, batch.width);
  const rows = edges(height, batch.height);
  const planes = memory ?? emptyPlanes(width, height);
  const { luma, blue, red } = planes;
  const sums = new Int32Array(batch.width * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const top = rows[y]!;
    const bottom = rows[y + 1]!;
    sumRows(pixels, top, bottom, sums);
    for (let x = 0; x < width; x++, at++) {
      const left = columns[x]!;
      const right = columns[x + 1]!;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let from = left * 3; from < right * 3; from += 3) {
        r += sums[from]!;
        g += sums[from + 1]!;
        b += sums[from + 2]!;
      }
      const area = (bottom - top) * (right - left);
      const y601 = (0.299 * r + 0.587 * g + 0.114 * b) / area;
      luma[at] = y601;
      blue[at] = 0.564 * (b / area - y601);
      red[at] = 0.713 * (r / area - y601);
    }
  }
  return planes;
};
