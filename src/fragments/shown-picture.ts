import sharp from "sharp";
import type { Random } from "../core/random.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";

/** A picture as it is shown: rgb24 [height, width, 3]. */
export interface ShownPicture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What {@link renderedAnew} does at most: share of a side that is cut off, grain and brightness in levels, contrast as a factor. */
const cutShare = 0.03;
const [leastGrain, mostGrain] = [2, 14];
const brighter = 12;
const flatter = 0.25;

/** The picture of a frame as it is. */
export const shownFrame = (batch: FrameBatch, place: number): ShownPicture => ({
  pixels: pixelsOf(batch, place),
  width: batch.width,
  height: batch.height,
});

/**
 * The same picture rendered anew: a random part of almost all of it, a little brighter or darker, with grain whose
 * strength is drawn, and flatter or harder. What an encoder makes of it (bytes, their number) says no more about whether two pictures show
 * one frame than chance does.
 */
export const renderedAnew = ({ pixels, width, height }: ShownPicture, random: Random): ShownPicture => {
  const [cutX, cutY] = [Math.round(width * cutShare), Math.round(height * cutShare)];
  const [left, top] = [random.integer(cutX + 1), random.integer(cutY + 1)];
  const shown = { width: width - cutX, height: height - cutY };
  const result = new Uint8Array(shown.width * shown.height * 3);
  const grain = leastGrain + (mostGrain - leastGrain) * random.next();
  const contrast = 1 + flatter * (2 * random.next() - 1);
  // About the picture's own mean, which stays.
  let sum = 0;
  for (const value of pixels) sum += value;
  const offset = brighter * (2 * random.next() - 1) + (1 - contrast) * (sum / pixels.length);
  let state = random.integer(2 ** 32) | 1;
  let to = 0;
  for (let y = 0; y < shown.height; y++) {
    let from = ((y + top) * width + left) * 3;
    for (let x = 0; x < shown.width; x++, from += 3, to += 3) {
      // Xorshift: one number a pixel is all that grain needs.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const more = offset + (((state >>> 0) / 2 ** 32) * 2 - 1) * grain;
      for (let channel = 0; channel < 3; channel++) {
        const value = contrast * pixels[from + channel]! + more;
        result[to + channel] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
      }
    }
  }
  return { pixels: result, ...shown };
};

const jpegQuality = 92;
/** Files are padded to multiples of this. */
const paddedTo = 1024;
/** Bytes of a comment segment besides its text, and its longest text. */
const segmentHead = 4;
const longestComment = 65_533;

/** A JPEG of exactly `length` bytes: comments behind its first marker. `length` is at least 4 more than it has, or equal. */
const padded = (jpeg: Uint8Array, length: number): Uint8Array => {
  const segments: Buffer[] = [];
  for (let left = length - jpeg.length; left > 0; ) {
    let take = Math.min(left, longestComment + segmentHead);
    // What is left for the next segment must be none or enough for one.
    if (left > take && left - take < segmentHead) take -= segmentHead;
    const segment = Buffer.alloc(take, 0x20);
    segment.writeUInt16BE(0xfffe, 0);
    segment.writeUInt16BE(take - 2, 2);
    segments.push(segment);
    left -= take;
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
};

/**
 * The pictures of one question as JPEG files that all have the same length, so that lengths tell nothing of which is
 * which. One encoder and one quality for all.
 */
export const stillFiles = async (pictures: readonly ShownPicture[]): Promise<Uint8Array[]> => {
  const files = await Promise.all(
    pictures.map(({ pixels, width, height }) =>
      sharp(Buffer.from(pixels), { raw: { width, height, channels: 3 } })
        .jpeg({ quality: jpegQuality })
        .toBuffer(),
    ),
  );
  const longest = Math.max(...files.map(({ length }) => length));
  const length = Math.ceil((longest + segmentHead) / paddedTo) * paddedTo;
  return files.map((file) => padded(file, length));
};
