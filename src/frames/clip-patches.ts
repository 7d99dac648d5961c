import { ShapeError } from "../core/errors.ts";
import { type PatchShape, stepPatches } from "./patch-bytes.ts";

/** A clip as patches: one entry a temporal step (frames that are taken together). */
export interface ClipPatches {
  /** Rows and columns of a step in patches. */
  readonly rows: number;
  readonly columns: number;
  /** Seconds between steps. */
  readonly secondsPerStep: number;
  /** Bytes of every step, in the order of `stepPatches`. */
  readonly steps: readonly Uint8Array[];
}

/** How a clip is cut: {@link PatchShape}, and how many frames a step has. */
export interface ClipShape extends PatchShape {
  readonly temporalPatchSize: number;
}

/**
 * Cuts pictures into the patches of a clip; the last picture is repeated until its step is full.
 *
 * @param pictures rgb24 [height, width, 3], one a position; sides are multiples of patch * merge
 * @param framesPerSecond rate of the positions
 * @throws {ShapeError} when a side is not made of whole units, or there is no picture
 */
export const clipPatches = (
  pictures: readonly Uint8Array[],
  width: number,
  height: number,
  framesPerSecond: number,
  shape: ClipShape,
): ClipPatches => {
  const { patchSize, spatialMergeSize, temporalPatchSize: depth } = shape;
  const unit = patchSize * spatialMergeSize;
  if (pictures.length === 0 || width % unit !== 0 || height % unit !== 0)
    throw new ShapeError("pictures to be cut into patches", {
      expected: `one picture or more, sides multiples of ${unit}`,
      got: `${pictures.length} of ${width}x${height}`,
    });
  const steps = Array.from({ length: Math.ceil(pictures.length / depth) }, (_, step) => {
    const taken = Array.from(
      { length: depth },
      (__, t) => pictures[Math.min(step * depth + t, pictures.length - 1)]!,
    );
    const out = new Uint8Array(width * height * 3 * depth);
    stepPatches(taken, width, height, shape, out);
    return out;
  });
  return {
    rows: height / patchSize,
    columns: width / patchSize,
    secondsPerStep: depth / framesPerSecond,
    steps,
  };
};
