/** What preference optimisation can be told. */
import { z } from "zod";
import type { LossChoice } from "../objectives/losses.ts";
import { type OptimizerOptions, optimizerParams } from "./loop.ts";
import { type WatchOptions, watchParams } from "./loop-watch.ts";
import type { TwinShown } from "./preference-batches.ts";
import { type Schedule, scheduleParams } from "./schedule.ts";

/**
 * `none`: the real thing. `twin-is-clip`: the clip itself stands in the twin's place, so there is nothing to prefer.
 * `random-freeze`: as many other frames are frozen in the twin's place.
 */
export const preferenceControls = ["none", "twin-is-clip", "random-freeze"] as const;

/** Options of preference optimisation. The paper has no such stage: all values are ours. */
export interface DpoOptions {
  readonly steps: number;
  readonly clipsPerStep: number;
  readonly pairsPerClip: number;
  /** The losses by name with their parameters; `pairs` is the loop's. */
  readonly losses: LossChoice;
  /** "held": the model that was opened, of which a new adapter changes nothing. "stored": log-probabilities of before the first step. */
  readonly reference: "auto" | "held" | "stored";
  readonly control: (typeof preferenceControls)[number];
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
  readonly watch?: WatchOptions;
  readonly seed: number;
}

/** Checks options and fills in defaults. */
export const dpoParams: z.ZodType<DpoOptions> = z.strictObject({
  steps: z.number().int().min(1).describe("optimizer steps"),
  clipsPerStep: z.number().int().min(1).default(8).describe("clips a step"),
  pairsPerClip: z.number().int().min(1).default(2).describe("pairs of a clip in a step, drawn from its own"),
  losses: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({ preference: { beta: 0.1 } })
    .describe("losses that are added, by name, with their parameters"),
  reference: z
    .enum(["auto", "held", "stored"])
    .default("auto")
    .describe(
      "held: the model with its adapter as new; stored: log-probabilities computed before the first step; auto: held with an " +
        "adapter alone, else stored, so that no second copy of the weights is needed",
    ),
  control: z
    .enum(preferenceControls)
    .default("none")
    .describe("what stands in the twin's place instead of the twin"),
  schedule: scheduleParams,
  optimizer: optimizerParams.prefault({}),
  checkpointEvery: z.number().int().min(1).default(100).describe("steps between checkpoints"),
  watch: watchParams.exactOptional().describe("looks at held-out pairs, and when training ends early"),
  seed: z.number().int().default(1),
});

const shownUnder = { none: "twin", "twin-is-clip": "clip", "random-freeze": "frozen" } as const;

/** What stands in the twin's place while it trains. */
export const twinUnder = (control: DpoOptions["control"]): TwinShown => shownUnder[control];
