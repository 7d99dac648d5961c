import { ShapeError } from "../core/errors.ts";
import type { TimedFrame } from "../video/types.ts";

/**
 * Frames of one clip with their true times.
 *
 * `pixels` holds frame after frame, row by row, red green blue interleaved ([T, height, width, 3], uint8, upright,
 * square pixels), so `pixels.length === frames.length * height * width * 3`.
 */
export interface FrameBatch {
  readonly pixels: Uint8Array;
  readonly frames: readonly TimedFrame[];
  readonly width: number;
  readonly height: number;
  /** Indices of frames that could not be decoded and repeat a neighbour; absent when there are none. */
  readonly repeated?: readonly number[];
}

/** A checked batch. @throws {ShapeError} when pixels, size and number of frames do not fit together */
export const frameBatch = (batch: FrameBatch): FrameBatch => {
  const expected = batch.frames.length * batch.width * batch.height * 3;
  if (batch.pixels.length !== expected)
    throw new ShapeError("frame batch", {
      expected: `${expected} bytes for ${batch.frames.length} frames of ${batch.width}x${batch.height}`,
      got: `${batch.pixels.length} bytes`,
    });
  return batch;
};

/** The pixels of the frame at `position` in the batch (a view, not a copy). */
export const pixelsOf = (batch: FrameBatch, position: number): Uint8Array => {
  const size = batch.width * batch.height * 3;
  return batch.pixels.subarray(position * size, (position + 1) * size);
};
