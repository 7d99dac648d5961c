import { fittedWithin, type PairSource } from "../../absent/pair-source.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import type { PictureSize } from "../../video/frame-size.ts";
import type { Resizer } from "../../video/request.ts";
import type { TimedFrame } from "../../video/types.ts";

/** Longest side of the frames that are kept: that of the frames that are scored and compared anyway. */
const seenPixels = 192;
const seenBy: Resizer = "zscale";
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

/** A frame that was seen, and what its batch said of it. */
interface SeenFrame {
  readonly frame: TimedFrame;
  readonly pixels: Uint8Array;
  readonly isRepeat: boolean;
}

/** Frames that are given at once from memory. */
const framesAtOnce = 16;

/** Batches of seen frames, as the decoder would give them. */
function* batchesOf(frames: readonly SeenFrame[], { width, height }: PictureSize): Generator<FrameBatch> {
  for (let at = 0; at < frames.length; at += framesAtOnce) {
    const some = frames.slice(at, at + framesAtOnce);
    const repeated = some.filter(({ isRepeat }) => isRepeat).map(({ frame }) => frame.index as number);
    yield {
      width,
      height,
      frames: some.map(({ frame }) => frame),
      pixels: Buffer.concat(some.map(({ pixels }) => pixels)),
      ...(repeated.length > 0 && { repeated }),
    };
  }
}

/** The same clip, remembering what it shows. The pictures are the same whether they were seen or not. */
export const rememberFrames = (inner: PairSource): SeenClip => {
  const size = fittedWithin(inner, seenPixels);
  const bytes = size.width * size.height * 3;
  const seen = new Map<number, SeenFrame>();
  const framesOf = (batch: FrameBatch): SeenFrame[] =>
    batch.frames.map((frame, at) => ({
      frame,
      pixels: Uint8Array.from(pixelsOf(batch, at)),
      isRepeat: batch.repeated?.includes(frame.index) === true,
    }));
  const remember = (one: SeenFrame): void => {
    if (seen.size * bytes < mostBytes) seen.set(one.frame.index, one);
  };
  const source: PairSource = {
    ...inner,
    frames: async function* (indices, wanted, resizer, signal) {
      const isKept = wanted.width === size.width && wanted.height === size.height && resizer === seenBy;
      if (isKept && indices.every((index) => seen.has(index))) {
        yield* batchesOf(
          indices.map((index) => seen.get(index)!),
          size,
        );
        return;
      }
      for await (const batch of inner.frames(indices, wanted, resizer, signal)) {
        if (isKept) for (const one of framesOf(batch)) remember(one);
        yield batch;
      }
    },
  };
  return {
    source,
    size,
    pictures: async (indices, signal) => {
      const found = new Map<number, Uint8Array>();
      const missing = indices.filter((index) => !seen.has(index));
      for (const index of indices) if (seen.has(index)) found.set(index, seen.get(index)!.pixels);
      if (missing.length > 0)
        for await (const batch of inner.frames(missing, size, seenBy, signal))
          for (const one of framesOf(batch)) {
            found.set(one.frame.index, one.pixels);
            remember(one);
          }
      return found;
    },
  };
};
