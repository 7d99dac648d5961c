import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";

/** A line of a bar: its mean level, and its brightest pixel, at most. */
const [barMean, barPeak] = [20, 56];
/** Bars leave at least this share of each side; what is darker is a dark picture. */
const leastLeft = 0.3;

/** Per line the largest mean level and the largest level of any frame: rows first, then columns. */
interface LineLevels {
  readonly mean: Float64Array;
  readonly peak: Float64Array;
}

const addLevels = (batch: FrameBatch, rows: LineLevels, columns: LineLevels): void => {
  const { width, height } = batch;
  const sums = new Float64Array(width);
  for (let place = 0; place < batch.frames.length; place++) {
    const pixels = pixelsOf(batch, place);
    sums.fill(0);
    for (let y = 0, at = 0; y < height; y++) {
      let [sum, peak] = [0, 0];
      for (let x = 0; x < width; x++, at += 3) {
        const level = Math.max(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
        sum += level;
        sums[x]! += level;
        if (level > peak) peak = level;
        if (level > columns.peak[x]!) columns.peak[x] = level;
      }
      rows.mean[y] = Math.max(rows.mean[y]!, sum / width);
      rows.peak[y] = Math.max(rows.peak[y]!, peak);
    }
    for (let x = 0; x < width; x++) columns.mean[x] = Math.max(columns.mean[x]!, sums[x]! / height);
  }
};

/** The lines between the bars, half-open; all of them where too few would be left. */
const between = ({ mean, peak }: LineLevels): readonly [start: number, end: number] => {
  const isBar = (at: number): boolean => mean[at]! <= barMean && peak[at]! <= barPeak;
  const count = mean.length;
  let [start, end] = [0, count];
  while (start < end && isBar(start)) start++;
  while (end > start && isBar(end - 1)) end--;
  // The line at a bar's edge is mixed of both.
  if (start > 0) start++;
  if (end < count) end--;
  return end - start < leastLeft * count ? [0, count] : [start, end];
};

const cropped = (
  batch: FrameBatch,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
): FrameBatch => {
  const [width, height] = [right - left, bottom - top];
  if (width === batch.width && height === batch.height) return batch;
  const pixels = new Uint8Array(batch.frames.length * width * height * 3);
  let to = 0;
  for (let place = 0; place < batch.frames.length; place++) {
    const from = pixelsOf(batch, place);
    for (let y = top; y < bottom; y++, to += width * 3)
      pixels.set(from.subarray((y * batch.width + left) * 3, (y * batch.width + right) * 3), to);
  }
  return { ...batch, pixels, width, height };
};

/**
 * The windows of one clip without the black bars that every frame of them has (letterbox, pillarbox): bars are no
 * content, make differences small, and tell clips apart.
 *
 * @param windows of one size; given back as they are where there are no bars
 */
export const withoutBars = (windows: readonly FrameBatch[]): readonly FrameBatch[] => {
  const any = windows.find(({ frames }) => frames.length > 0);
  if (any === undefined) return windows;
  const levels = (count: number): LineLevels => ({
    mean: new Float64Array(count),
    peak: new Float64Array(count),
  });
  // Columns are looked at between the rows that are left: a bar above says nothing of them.
  const rows = levels(any.height);
  for (const window of windows) addLevels(window, rows, levels(any.width));
  const [top, bottom] = between(rows);
  const inside = windows.map((window) => cropped(window, [0, any.width], [top, bottom]));
  const columns = levels(any.width);
  for (const window of inside) addLevels(window, levels(bottom - top), columns);
  const [left, right] = between(columns);
  return inside.map((window) => cropped(window, [left, right], [0, bottom - top]));
};
