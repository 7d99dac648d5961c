import { type MediaStep, mediaStep } from "../batch/media-step.ts";
import { ShapeError } from "../core/errors.ts";
import {
  channelMean,
  channelStd,
  levelTables,
  normalizePatches,
  stepPatches,
} from "../frames/patch-bytes.ts";
import type { PatchSettings } from "../frames/patches.ts";
import type { Size } from "../frames/smart-resize.ts";

const equal = (one: readonly number[], other: readonly number[]): boolean =>
  one.every((value, i) => value === other[i]);

/**
 * The temporal steps of pictures that have the size at which a model takes them; the last picture is repeated until
 * its step is full. Levels where the processor normalises as engines do, else numbers.
 *
 * @param pictures rgb24 [height, width, 3], one an image, any number a clip
 * @throws {ShapeError} when there is none, or a side is not made of whole units
 */
export const visualSteps = (
  pictures: readonly Uint8Array[],
  { width, height }: Size,
  settings: PatchSettings,
): MediaStep[] => {
  const { patchSize: side, mergeSize, temporalPatchSize: depth, imageMean, imageStd } = settings;
  const unit = side * mergeSize;
  if (pictures.length === 0 || width % unit !== 0 || height % unit !== 0)
    throw new ShapeError("pictures to be cut into patches", {
      expected: `one picture or more, sides multiples of ${unit}`,
      got: `${pictures.length} of ${width}x${height}`,
    });
  const asLevels = equal(imageMean, channelMean) && equal(imageStd, channelStd);
  const tables = asLevels ? [] : levelTables(imageMean, imageStd);
  return Array.from({ length: Math.ceil(pictures.length / depth) }, (_, step) => {
    const taken = Array.from(
      { length: depth },
      (__, t) => pictures[Math.min(step * depth + t, pictures.length - 1)]!,
    );
    const levels = new Uint8Array(width * height * 3 * depth);
    stepPatches(taken, width, height, { patchSize: side, spatialMergeSize: mergeSize }, levels);
    if (asLevels) return mediaStep(levels, height / side, width / side);
    const numbers = new Float32Array(levels.length);
    normalizePatches(levels, depth * side * side, numbers, 0, tables);
    return mediaStep(numbers, height / side, width / side);
  });
};
