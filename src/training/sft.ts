/** Supervised fine-tuning: a sum of losses over clips with their texts. */
import { z } from "zod";
import { takeStep } from "../engine/take-step.ts";
import { type LossChoice, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import type { TrainingClip } from "./clip.ts";
import {
  type LoopContext,
  type LoopResult,
  type OptimizerOptions,
  optimizerParams,
  runLoop,
  type Trainee,
} from "./loop.ts";
import { batchAt } from "./order.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";
import { checkSftFeeds, type SftBatchOptions, sftBatches } from "./sft-batches.ts";

/** Options of supervised fine-tuning. */
export interface SftOptions extends SftBatchOptions {
  readonly steps: number;
  readonly clipsPerStep: number;
  readonly losses: LossChoice;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
}

/** Checks options and fills in defaults. */
export const sftParams: z.ZodType<SftOptions> = z.strictObject({
  steps: z.number().int().min(1).describe("optimizer steps"),
  clipsPerStep: z.number().int().min(1).default(16).describe("clips a step (paper: 16)"),
  batchesPerStep: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe("batches that a step's clips are computed in: the same gradient with less memory"),
  textsPerClip: z
    .number()
    .int()
    .min(1)
    .default(4)
    .describe("texts behind one clip: a dense caption and questions"),
  blindClipsPerStep: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("clips a step whose pictures are hidden, for an honest blind baseline (ours)"),
  schedule: scheduleParams,
  optimizer: optimizerParams.prefault({}),
  losses: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({ "cross-entropy": {} })
    .describe("losses that are added, by name, with their parameters"),
  viewDropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe("dropout of visual tokens in a clip's second view, for losses that read it (ours)"),
  checkpointEvery: z.number().int().min(1).default(500).describe("steps between checkpoints"),
  seed: z.number().int().default(1),
});

/** Trains on clips with their texts. @source VideoPerceiver, first stage (eq. 7) */
export const trainSft = async (
  trainee: Trainee,
  clips: readonly TrainingClip[],
  options: SftOptions,
  context: LoopContext,
): Promise<LoopResult> => {
  const { engine, rules, tokens } = trainee;
  const objective = sumOfLosses(await makeLosses(options.losses));
  checkSftFeeds(objective);
  const compute = async (step: number): Promise<Record<string, number>> => {
    const chosen = batchAt(clips.length, options.clipsPerStep, step, options.seed);
    const shown = chosen.map((index) => clips[index]!);
    const { batches, feeds } = sftBatches(shown, objective, rules, tokens, options, step);
    const { loss, metrics } = await takeStep(engine, batches, objective, feeds);
    return { loss, ...metrics };
  };
  return runLoop(trainee, options, context, { compute, state: () => ({}), restore: () => {} });
};
