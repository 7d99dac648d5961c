import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";

/** A line of a bar: its mean level, and its brightest pixel, at most. */
const [barMean, barPeak] = [20, 56];
/** Bars leave at least this share of each side; what is darker is a dark picture. */
const leastLeft = 0.3;

/** Lines of pictures: where their pixels lie in one, as bytes. */
interface Lines {
  readonly count: number;
  /** First pixel of a line, and the distance to its next one. */
  readonly start: (line: number) => number;
  readonly step: number;
  /** Pixels of a line. */
  readonly length: number;
}

/** Whether a line is black in every frame of every window. */
const isBar = (windows: readonly FrameBatch[], { start, step, length }: Lines, line: number): boolean => {
  for (const window of windows)
    for (let place = 0; place < window.frames.length; place++) {
      const pixels = pixelsOf(window, place);
      let sum = 0;
      for (let n = 0, at = start(line); n < length; n++, at += step) {
        const level = Math.max(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
        if (level > barPeak) return false;
        sum += level;
      }
      if (sum > barMean * length) return false;
    }
  return true;
};

/** The lines between the bars, half-open; all of them where too few would be left. Looks at no line behind a bar's end. */
const between = (windows: readonly FrameBatch[], lines: Lines): readonly [start: number, end: number] => {
  const { count } = lines;
  let [start, end] = [0, count];
  while (start < end && isBar(windows, lines, start)) start++;
  while (end > start && isBar(windows, lines, end - 1)) end--;
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
  const { width, height } = any;
  const [top, bottom] = between(windows, {
    count: height,
    start: (y) => y * width * 3,
    step: 3,
    length: width,
  });
  // Columns are looked at between the rows that are left: a bar above says nothing of them.
  const columns = between(windows, {
    count: width,
    start: (x) => (top * width + x) * 3,
    step: width * 3,
    length: bottom - top,
  });
  return windows.map((window) => cropped(window, columns, [top, bottom]));
};
