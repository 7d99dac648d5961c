import { ShapeError } from "../core/errors.ts";
import type { Grid } from "./grid.ts";
import { levelTables, normalizePatches, stepPatches } from "./patch-bytes.ts";

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
  const rows_PX = new Float32Array(steps * grid[1] * grid[2] * 3 * depth * side * side);
  const tables = levelTables(imageMean, imageStd);
  const size = height * width * 3;
  const bytes = new Uint8Array(depth * size);
  for (let step = 0; step < steps; step++) {
    const taken = Array.from({ length: depth }, (_, t) => {
      const from = Math.min(step * depth + t, frames - 1) * size;
      return pixels.subarray(from, from + size);
    });
    stepPatches(taken, width, height, { patchSize: side, spatialMergeSize: merge }, bytes);
    normalizePatches(bytes, depth * side * side, rows_PX, step * bytes.length, tables);
  }
  return { grid, rows_PX };
};
