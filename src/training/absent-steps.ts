import { absentBatch } from "../absent/twin-frames.ts";
import type { TwinView } from "../absent/twin-view.ts";
import { type ClipShape, clipPatches } from "../frames/clip-patches.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";

/**
 * The temporal steps of a twin that differ from its complete clip's, by number, with their patches (masks included).
 *
 * @param frames what a model looks at of the complete clip, with every frame that the twin shows there
 * @throws {ShapeError} when a frame that the twin shows is not among them
 */
export const absentSteps = (
  frames: FrameBatch,
  view: TwinView,
  framesPerSecond: number,
  shape: ClipShape,
): Map<number, Uint8Array> => {
  const { width, height } = frames;
  const twin = absentBatch(frames, view);
  const pictures = twin.frames.map((_, position) => pixelsOf(twin, position));
  const depth = shape.temporalPatchSize;
  const changed = new Map<number, Uint8Array>();
  clipPatches(pictures, width, height, framesPerSecond, shape).steps.forEach((step, i) => {
    const shown = frames.frames.slice(i * depth, (i + 1) * depth);
    if (shown.some(({ index }) => view.changes(index))) changed.set(i, step);
  });
  return changed;
};
