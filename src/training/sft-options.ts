import { z } from "zod";
import type { LossChoice } from "../objectives/losses.ts";
import { layoutParams } from "./contrast.ts";
import { type OptimizerOptions, optimizerParams } from "./loop.ts";
import { type WatchOptions, watchParams } from "./loop-watch.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";
import type { SftBatchOptions } from "./sft-batches.ts";

/** What is watched while the loop runs. */
export interface SftMonitorOptions {
  readonly every: number;
  readonly clips: number;
  readonly block: number | null;
}

const monitorParams = z.strictObject({
  every: z.number().int().min(0).default(100).describe("steps between looks at held-out clips; 0: never"),
  clips: z.number().int().min(1).default(64).describe("held-out clips that are looked at"),
  block: z
    .number()
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("language block whose states are compared; null: the one that the losses read, if any"),
});

/** Options of supervised fine-tuning. */
export interface SftOptions extends SftBatchOptions {
  readonly steps: number;
  readonly clipsPerStep: number;
  readonly losses: LossChoice;
  readonly schedule: Schedule;
  readonly contrastLearningRate: number | null;
  readonly optimizer: OptimizerOptions;
  readonly monitor: SftMonitorOptions;
  readonly checkpointEvery: number;
  readonly watch?: WatchOptions;
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
    .describe("texts behind one clip: its dense caption, where it has one, and questions at random"),
  blindClipsPerStep: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      "clips a step whose pictures are hidden, for an honest blind baseline; they are not contrasted (ours)",
    ),
  instructionShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("share of texts whose question is followed by the refeed's instruction (ours)"),
  schedule: scheduleParams,
  contrastLearningRate: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      "peak learning rate of losses on states, which then are an update of their own before that of the others, with the " +
        "same moments of AdamW; null: one update (paper: a rate of its own, its value is lost)",
    ),
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
  ...layoutParams,
  monitor: monitorParams.prefault({}),
  checkpointEvery: z.number().int().min(1).default(500).describe("steps between checkpoints"),
  watch: watchParams.exactOptional().describe("looks at held-out samples, and when training ends early"),
  seed: z.number().int().default(1),
});
