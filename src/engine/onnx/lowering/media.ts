import type { MediaStep } from "../../../batch/media-step.ts";
import { rounding, roundUp } from "../../../batch/rounding.ts";
import { assert } from "../../../core/errors.ts";
import type { Grid } from "../../../frames/grid.ts";
import { normalizePatches } from "../../../frames/patch-bytes.ts";
import type { ModelConfig } from "../../../model/config.ts";
import type { VisionShape } from "../../../model/family.ts";
import { planVision } from "../../../model/vision-tower.ts";
import type { FeedArray } from "../../contract.ts";

/** Shape and feeds of the vision tower. */
export interface LoweredMedia {
  readonly shape: VisionShape;
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

/** Every step as a visual of its own: the tower never mixes steps. With `rounded` sizes steps of zeros follow them. */
export const lowerMedia = async (
  media: readonly MediaStep[],
  config: ModelConfig,
  sizes: "exact" | "rounded",
): Promise<LoweredMedia> => {
  const { inChannels, temporalPatchSize, patchSize } = config.vision;
  const perChannel = temporalPatchSize * patchSize ** 2;
  const grids = media.map(({ rows, columns }): Grid => [1, rows, columns]);
  const count = sizes === "exact" ? grids.length : roundUp(grids.length, rounding.steps);
  while (grids.length < count) grids.push(grids.at(-1)!);
  const numbers = ([, rows, columns]: Grid): number => rows * columns * inChannels * perChannel;
  const pixels = new Float32Array(grids.reduce((sum, grid) => sum + numbers(grid), 0));
  let at = 0;
  for (const [i, step] of media.entries()) {
    const patches = await step.patches();
    assert(patches.length === numbers(grids[i]!), `patches of a step of ${step.rows} x ${step.columns}`);
    if (patches instanceof Uint8Array) normalizePatches(patches, perChannel, pixels, at);
    else pixels.set(patches, at);
    at += patches.length;
  }
  const { shape, feeds } = planVision(grids, config);
  return { shape, feeds: { ...feeds, "vision.pixels": pixels } };
};
