import { fittedWithin, type PairSource } from "../../absent/pair-source.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { PictureSize } from "../../video/frame-size.ts";

/** Longest side of the frames that are kept: that of the frames that are scored and compared anyway. */
const seenPixels = 192;
/** Bytes of frames that are kept of one clip; more are decoded again when they are needed. */
const mostBytes = 96e6;

/** A clip whose small frames are remembered while it is scored, so that its preview costs no further decoding. */
export interface SeenClip {
  readonly source: PairSource;
  /** Size of the remembered frames. */
  readonly size: PictureSize;
  /** Pictures (rgb24) of frames by ascending index; those that were not seen are decoded. */
  pictures(indices: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>>;
}

/** The same clip, remembering what it shows. The pictures are the same whether they were seen or not. */
export const rememberFrames = (inner: PairSource): SeenClip => {
  const size = fittedWithin(inner, seenPixels);
  const bytes = size.width * size.height * 3;
  const seen = new Map<number, Uint8Array>();
  const remember = (index: number, pixels: Uint8Array): void => {
    if (seen.size * bytes < mostBytes && !seen.has(index)) seen.set(index, pixels);
  };
  const source: PairSource = {
    ...inner,
    frames: async function* (indices, wanted, resizer, signal) {
      const keep = wanted.width === size.width && wanted.height === size.height && resizer === "zscale";
      for await (const batch of inner.frames(indices, wanted, resizer, signal)) {
        if (keep)
          batch.frames.forEach(({ index }, at) => {
            remember(index, Uint8Array.from(pixelsOf(batch, at)));
          });
        yield batch;
      }
    },
  };
  return {
    source,
    size,
    pictures: async (indices, signal) => {
      const missing = indices.filter((index) => !seen.has(index));
      const found = new Map<number, Uint8Array>();
      if (missing.length > 0)
        for await (const batch of inner.frames(missing, size, "zscale", signal))
          batch.frames.forEach(({ index }, at) => {
            found.set(index, Uint8Array.from(pixelsOf(batch, at)));
          });
      for (const index of indices) {
        const known = seen.get(index);
        if (known !== undefined) found.set(index, known);
        else remember(index, found.get(index)!);
      }
      return found;
    },
  };
};
