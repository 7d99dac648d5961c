import type { LossTerm } from "../objectives/losses.ts";
import type { ContrastedClip, TrainingClip } from "./clip.ts";
import { batchAt } from "./order.ts";
import { type SftBatches, type SftBatchOptions, type SftMeans, sftBatches } from "./sft-batches.ts";

/** Where a step's clips come from, and how batches are made of them. */
export interface StepSource<Clip extends ContrastedClip = ContrastedClip> {
  /** The clips of a step (1-based), the same ones whenever it is asked. */
  take(step: number): Promise<readonly Clip[]>;
  /**
   * The batches of a step's clips, a pure function of them, seed, step and what the queue remembers.
   * @param hasTexts false: for losses that read states alone
   */
  batches(
    clips: readonly Clip[],
    objective: LossTerm,
    means: SftMeans,
    options: SftBatchOptions,
    step: number,
    hasTexts: boolean,
  ): SftBatches<Clip>;
  /** What is logged of the batches that were made since it was asked last. */
  metrics?(): Readonly<Record<string, number>>;
}

/** Clips of one size that are in memory, as many a step. */
export const clipsInMemory = (
  clips: readonly TrainingClip[],
  { clipsPerStep, seed }: { readonly clipsPerStep: number; readonly seed: number },
): StepSource<TrainingClip> => ({
  take: async (step) => batchAt(clips.length, clipsPerStep, step, seed).map((index) => clips[index]!),
  batches: (chosen, objective, means, options, step, hasTexts) =>
    sftBatches(
      hasTexts ? chosen : chosen.map((clip) => ({ ...clip, texts: [] })),
      objective,
      means,
      options,
      step,
    ),
});
