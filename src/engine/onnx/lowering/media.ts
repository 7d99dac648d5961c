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

/** Name of the feed of visual tokens [U, D] that are known already. */
export const featuresName = "vision.features";

/** Visual tokens that a batch is fed instead of pixels: how many, those of padding among them. */
export interface GivenMedia {
  readonly units: number;
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

const roundedCount = (steps: number, sizes: "exact" | "rounded"): number =>
  sizes === "exact" ? steps : roundUp(steps, rounding.steps);

/** Every step's visual tokens, as many as {@link lowerMedia} would make. @param features of a step, [its U, D] */
export const giveMedia = async (
  media: readonly MediaStep[],
  { vision }: ModelConfig,
  sizes: "exact" | "rounded",
  features: (step: MediaStep) => Promise<Float32Array>,
): Promise<GivenMedia> => {
  const unitsOf = ({ rows, columns }: MediaStep): number => (rows * columns) / vision.spatialMergeSize ** 2;
  const padding = roundedCount(media.length, sizes) - media.length;
  const units = media.reduce((sum, step) => sum + unitsOf(step), padding * unitsOf(media.at(-1)!));
  const all = new Float32Array(units * vision.outHiddenSize);
  let at = 0;
  for (const step of media) {
    const own = await features(step);
    assert(own.length === unitsOf(step) * vision.outHiddenSize, "features of a step");
    all.set(own, at);
    at += own.length;
  }
  return { units, feeds: { [featuresName]: all } };
};

/** Memory for so many numbers; what was written there before is overwritten. */
export type PixelMemory = (numbers: number) => Float32Array;

const newMemory: PixelMemory = (numbers) => new Float32Array(numbers);

/** Every step as a visual of its own: the tower never mixes steps. With `rounded` sizes steps of zeros follow them. */
export const lowerMedia = async (
  media: readonly MediaStep[],
  config: ModelConfig,
  sizes: "exact" | "rounded",
  memory: PixelMemory = newMemory,
): Promise<LoweredMedia> => {
  const { inChannels, temporalPatchSize, patchSize } = config.vision;
  const perChannel = temporalPatchSize * patchSize ** 2;
  const grids = media.map(({ rows, columns }): Grid => [1, rows, columns]);
  const count = roundedCount(grids.length, sizes);
  while (grids.length < count) grids.push(grids.at(-1)!);
  const numbers = ([, rows, columns]: Grid): number => rows * columns * inChannels * perChannel;
  const pixels = memory(grids.reduce((sum, grid) => sum + numbers(grid), 0));
  let at = 0;
  for (const [i, step] of media.entries()) {
    const patches = await step.patches();
    assert(patches.length === numbers(grids[i]!), `patches of a step of ${step.rows} x ${step.columns}`);
    if (patches instanceof Uint8Array) normalizePatches(patches, perChannel, pixels, at);
    else pixels.set(patches, at);
    at += patches.length;
  }
  pixels.fill(0, at);
  const { shape, feeds } = planVision(grids, config);
  return { shape, feeds: { ...feeds, "vision.pixels": pixels } };
};
