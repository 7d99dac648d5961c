import { ShapeError } from "../core/errors.ts";
import type { Grid } from "./grid.ts";

/** How pictures become rows of numbers. Mean and deviation are of red, green and blue in units of the full range. */
export interface PatchSettings {
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly mergeSize: number;
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
}

/** Rows of patches with their grid. P patches; a row has 3 x temporalPatchSize x patchSize x patchSize numbers. */
export interface Patches {
  readonly grid: Grid;
  readonly rows_PX: Float32Array;
}

/**
 * Cuts resized frames into patches in the order of the reference: temporal step, unit row, unit column, and within a
 * unit of `mergeSize` x `mergeSize` patches row by row. Inside a row of numbers: colour, frame of the pair, y, x.
 * The last frame is repeated until the pairs are full.
 *
 * @param pixels uint8 [frames, height, width, 3]
 * @source transformers, `Qwen2VLImageProcessor._preprocess`
 * @throws {ShapeError} when the size is not made of whole units
 */
export const patchesFrom = (
  pixels: Uint8Array,
  frames: number,
  height: number,
  width: number,
  settings: PatchSettings,
): Patches => {
  const { patchSize: side, temporalPatchSize: depth, mergeSize: merge, imageMean, imageStd } = settings;
  const unit = side * merge;
  if (
    frames < 1 ||
    height % unit !== 0 ||
    width % unit !== 0 ||
    pixels.length !== frames * height * width * 3
  )
    throw new ShapeError("frames to be cut into patches", {
      expected: `[frames, height, width, 3], sides multiples of ${unit}`,
      got: `${pixels.length} bytes for ${frames} of ${width}x${height}`,
    });
  const steps = Math.ceil(frames / depth);
  const grid: Grid = [steps, height / side, width / side];
  const normalised = [0, 1, 2].map((colour) =>
    Float32Array.from({ length: 256 }, (_, value) => (value / 255 - imageMean[colour]!) / imageStd[colour]!),
  );
  const rows_PX = new Float32Array(steps * grid[1] * grid[2] * 3 * depth * side * side);
  let out = 0;
  for (let step = 0; step < steps; step++)
    for (let top = 0; top < height; top += unit)
      for (let left = 0; left < width; left += unit)
        for (let inside = 0; inside < merge * merge; inside++) {
          const y0 = top + Math.floor(inside / merge) * side;
          const x0 = left + (inside % merge) * side;
          for (let colour = 0; colour < 3; colour++) {
            const table = normalised[colour]!;
            for (let pair = 0; pair < depth; pair++) {
              const frame = Math.min(step * depth + pair, frames - 1);
              for (let y = y0; y < y0 + side; y++) {
                let at = ((frame * height + y) * width + x0) * 3 + colour;
                for (let x = 0; x < side; x++, at += 3) rows_PX[out++] = table[pixels[at]!]!;
              }
            }
          }
        }
  return { grid, rows_PX };
};
