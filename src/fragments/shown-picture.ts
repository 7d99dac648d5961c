import type { Random } from "../core/random.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { quickJpegBytes, quickJpegInto } from "../frames/jpeg-picture.ts";

/** A picture as it is shown: rgb24 [height, width, 3]. */
export interface ShownPicture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * What {@link renderedAnew} does at most: share of a side that is cut off; in levels grain, brightness, that of each channel
 * besides, and how much brighter or darker the outermost lines become than the middle; contrast as a factor.
 */
const cutShare = 0.03;
const [leastGrain, mostGrain] = [2, 14];
const brighter = 12;
const tinted = 5;
const flatter = 0.25;
const edgeLight = 14;

/** The picture of a frame as it is. */
export const shownFrame = (batch: FrameBatch, place: number): ShownPicture => ({
  pixels: pixelsOf(batch, place),
  width: batch.width,
  height: batch.height,
});

/** How bright pictures are: mean level and standard deviation. */
export interface Levels {
  readonly mean: number;
  readonly spread: number;
}

/** Two levels that lie side by side, as one number of 16 bits -> their sum, and 2^22 times that of their squares. */
const pairSums = Float64Array.from({ length: 2 ** 16 }, (_, pair) => {
  const [low, high] = [pair & 0xff, pair >>> 8];
  return (low ** 2 + high ** 2) * 2 ** 22 + low + high;
});

/** Pairs that are summed up before the two sums are taken apart: those of levels stay below 2^22, all below 2^53. */
const summedAtOnce = 4096;

/** Mean and spread of all levels of a picture. */
export const levelsOf = ({ pixels }: ShownPicture): Levels => {
  let [sum, squares] = [0, 0];
  const add = (both: number): void => {
    const some = Math.floor(both / 2 ** 22);
    squares += some;
    sum += both - some * 2 ** 22;
  };
  // Numbers of 16 bits begin at even places.
  const first = pixels.byteOffset % 2;
  const pairs = new Uint16Array(pixels.buffer, pixels.byteOffset + first, (pixels.length - first) >> 1);
  for (let start = 0; start < pairs.length; start += summedAtOnce) {
    const end = Math.min(pairs.length, start + summedAtOnce);
    let both = 0;
    for (let at = start; at < end; at++) both += pairSums[pairs[at]!]!;
    add(both);
  }
  if (first === 1 && pixels.length > 0) add(pairSums[pixels[0]!]!);
  if (first + 2 * pairs.length < pixels.length) add(pairSums[pixels.at(-1)!]!);
  const mean = sum / pixels.length;
  return { mean, spread: Math.sqrt(Math.max(0, squares / pixels.length - mean * mean)) };
};

/** Levels between those of some pictures: what all of them are brought to when one is to be no brighter than another. */
export const levelsBetween = (all: readonly Levels[]): Levels => {
  const mean = (of: (one: Levels) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return { mean: mean((one) => one.mean), spread: mean((one) => one.spread) };
};

/** Most that contrast is raised to bring a picture to others' levels: a flat one stays flat. */
const mostRaised = 2;

/** How a picture's levels change for it to have others' mean and spread: `level * contrast + offset`. */
const towards = (
  own: Levels,
  { mean, spread }: Levels,
): { readonly contrast: number; readonly offset: number } => {
  const contrast = Math.min(mostRaised, spread / Math.max(own.spread, 1e-9));
  return { contrast, offset: mean - contrast * own.mean };
};

/**
 * A picture at given levels, otherwise as it is: how bright it is says nothing of when it was.
 *
 * @param own the picture's levels
 * @param result memory for as many bytes as the picture has
 */
export const atLevels = (
  { pixels, ...size }: ShownPicture,
  own: Levels,
  levels: Levels,
  result: Uint8Array,
): ShownPicture => {
  const { contrast, offset } = towards(own, levels);
  const changed = new Uint8ClampedArray(256);
  for (let level = 0; level < 256; level++) changed[level] = contrast * level + offset;
  for (let at = 0; at < pixels.length; at++) result[at] = changed[pixels[at]!]!;
  return { pixels: result, ...size };
};

/** Light along one side, from its middle: 0 on average, in levels. */
const lightAlong = (length: number, edge: number): Float64Array => {
  const light = new Float64Array(length);
  const mean = 1 / 3 - 1 / (3 * length ** 2);
  for (let at = 0; at < length; at++) light[at] = edge * (((2 * at + 1) / length - 1) ** 2 - mean);
  return light;
};

/**
 * The same picture rendered anew: a random part of almost all of it, at given levels and from there a little brighter or
 * darker, in each channel too, flatter or harder, lighter or darker towards its edges, with grain whose strength is drawn.
 * What an encoder makes of it (bytes, their number), how bright it is, of what hue, how hard, and how dark its borders are
 * say little about what it shows, or when it was: less than what changes by itself from frame to frame.
 *
 * @param own the picture's levels
 * @param take gives memory, whatever is in it
 */
export const renderedAnew = (
  { pixels, width, height }: ShownPicture,
  own: Levels,
  levels: Levels,
  random: Random,
  take: (bytes: number) => Uint8Array,
): ShownPicture => {
  const [cutX, cutY] = [Math.round(width * cutShare), Math.round(height * cutShare)];
  const [left, top] = [random.integer(cutX + 1), random.integer(cutY + 1)];
  const shown = { width: width - cutX, height: height - cutY };
  const memory = take(shown.width * shown.height * 3);
  const result = new Uint8ClampedArray(memory.buffer, memory.byteOffset, memory.length);
  const grain = (leastGrain + (mostGrain - leastGrain) * random.next()) / 2 ** 31;
  const { contrast, offset } = towards(own, {
    mean: levels.mean + brighter * (2 * random.next() - 1),
    spread: levels.spread * (1 + flatter * (2 * random.next() - 1)),
  });
  const edge = edgeLight * (2 * random.next() - 1);
  const [across, down] = [lightAlong(shown.width, edge), lightAlong(shown.height, edge)];
  const [red, green, blue] = [0, 1, 2].map(() => {
    const own = offset + tinted * (2 * random.next() - 1);
    return Float64Array.from({ length: 256 }, (_, level) => contrast * level + own);
  }) as [Float64Array, Float64Array, Float64Array];
  let state = random.integer(2 ** 32) | 1;
  let to = 0;
  for (let y = 0; y < shown.height; y++) {
    let from = ((y + top) * width + left) * 3;
    const light = down[y]!;
    for (let x = 0; x < shown.width; x++, from += 3, to += 3) {
      // Xorshift: one number a pixel is all that grain needs.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const more = light + across[x]! + state * grain;
      result[to] = red[pixels[from]!]! + more;
      result[to + 1] = green[pixels[from + 1]!]! + more;
      result[to + 2] = blue[pixels[from + 2]!]! + more;
    }
  }
  return { pixels: memory, ...shown };
};

const jpegQuality = 92;
/** Files are padded to multiples of this. */
const paddedTo = 1024;
/** Bytes of a comment segment besides its text, and its longest text. */
const segmentHead = 4;
const longestComment = 65_533;

/**
 * Makes the JPEG that lies at the beginning of some memory exactly `length` bytes long: comments behind its first marker.
 * `length` is at least 4 more than it has, or equal.
 *
 * @returns the bytes in the same memory
 */
const padded = (memory: Uint8Array, bytes: number, length: number): Uint8Array => {
  const jpeg = Buffer.from(memory.buffer, memory.byteOffset, length);
  const comments = { start: 2, end: 2 + length - bytes };
  jpeg.copyWithin(comments.end, comments.start, bytes);
  jpeg.fill(0x20, comments.start, comments.end);
  for (let at = comments.start; at < comments.end; ) {
    const left = comments.end - at;
    let take = Math.min(left, longestComment + segmentHead);
    // What is left for the next segment must be none or enough for one.
    if (left > take && left - take < segmentHead) take -= segmentHead;
    jpeg.writeUInt16BE(0xfffe, at);
    jpeg.writeUInt16BE(take - 2, at + 2);
    at += take;
  }
  return jpeg;
};

/**
 * The pictures of one question as JPEG files that all have the same length, so that lengths tell nothing of which is
 * which. One encoder and one quality for all.
 *
 * @param take gives memory, whatever is in it: the files lie there
 */
export const stillFiles = async (
  pictures: readonly ShownPicture[],
  take: (bytes: number) => Uint8Array,
): Promise<Uint8Array[]> => {
  const most = Math.max(...pictures.map(quickJpegBytes)) + segmentHead + paddedTo;
  const files = await Promise.all(
    pictures.map(async (picture) => {
      const memory = take(most);
      return { memory, bytes: await quickJpegInto(picture.pixels, picture, jpegQuality, memory) };
    }),
  );
  const longest = Math.max(...files.map(({ bytes }) => bytes));
  const length = Math.ceil((longest + segmentHead) / paddedTo) * paddedTo;
  return files.map(({ memory, bytes }) => padded(memory, bytes, length));
};
