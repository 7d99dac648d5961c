/**
 * Time and memory of a training run on machines that are not at hand, from what a step asks for (`step-load.ts`) and a machine's
 * rates (`machine-rates.ts`).
 *
 * Assumed where nothing says otherwise: weights, gradients and moments lie in shares on all GPUs (FSDP2) while a block is
 * gathered to compute; bfloat16 computes, float32 masters are updated; a block is computed again in its backward; a step's
 * rows are spread over the GPUs, which do not wait for data or for what they send each other.
 */
import type { ModelConfig } from "../../model/config.ts";
import type { LanguageLoop } from "./loops.ts";
import { type MachineRates, secondsOf } from "./machine-rates.ts";
import type { TrainedParts } from "./model-cost.ts";
import { type PlannedBytes, plannedBytes } from "./plan-memory.ts";
import {
  drawLoads,
  passLoad,
  referenceLoad,
  type Spreading,
  type StepLoad,
  updateLoad,
} from "./step-load.ts";
import { type Draw, filterDraw, type PlannedClips, stepPlan } from "./step-plan.ts";

/** A run that somebody thinks of. */
export interface PlannedTraining {
  readonly config: ModelConfig;
  readonly chosen: LanguageLoop;
  readonly parts: TrainedParts;
  readonly positionsPerBatch: number;
  readonly shown: PlannedClips;
  readonly rates: MachineRates;
  readonly gpus: number;
}

/** What it will take. */
export interface TrainingPlan {
  readonly steps: number;
  readonly secondsPerStep: number;
  /** Of a step: passes of training, drawing completions, the update. */
  readonly parts: { readonly training: number; readonly drawing: number; readonly update: number };
  /** Additions and multiplications of a step's matrix products a second and GPU, of the one that has most to do. */
  readonly operationsPerSecond: number;
  /** Before the first step: completions that only choose prompts. */
  readonly secondsBefore: number;
  readonly seconds: number;
  readonly gpuHours: number;
  readonly bytes: PlannedBytes;
}

/** Time and memory of a run. */
export const planTraining = (planned: PlannedTraining): TrainingPlan => {
  const { config, chosen, parts, positionsPerBatch, shown, rates, gpus } = planned;
  const { keepsScores, overlaps: isOnGpu, processBytes } = rates;
  const spreading: Spreading = { config, parts, gpus, positionsPerBatch, keepsScores, isOnGpu };
  const step = stepPlan(planned);
  const holdsReference = chosen.loop === "grpo" && chosen.options.beta > 0;
  const seconds = (loads: readonly StepLoad[]): number =>
    loads.reduce((sum, load) => sum + secondsOf(load, rates), 0);
  const passes = [
    ...step.forward.map((pass) => passLoad(pass, spreading, false)),
    ...step.trained.map((pass) => passLoad(pass, spreading, true)),
  ];
  const draws = (drawn: readonly Draw[]): StepLoad[] =>
    drawn.flatMap((draw) => [...drawLoads(draw, spreading)]);
  const training = seconds(holdsReference ? [...passes, referenceLoad(spreading)] : passes);
  const drawing = seconds(draws(step.drawn));
  // The reference is read in the place of what is trained.
  const updates = chosen.loop === "grpo" ? chosen.options.updatesPerRollout : 1;
  const update = updates * seconds([updateLoad(spreading)]);
  const secondsPerStep = training + drawing + update;
  const operations = [...passes, ...draws(step.drawn)].reduce((sum, load) => sum + load.operations, 0);
  let secondsBefore = 0;
  if (chosen.loop === "grpo" && chosen.options.prefilter.draws > 0) {
    const { promptsPerStep, steps: count } = chosen.options;
    // No more are looked at than the steps reach.
    const times = Math.min(shown.clips / promptsPerStep, count);
    secondsBefore = times * seconds(draws([filterDraw(chosen.options, planned)]));
  }
  const { steps } = chosen.options;
  const all = secondsBefore + steps * secondsPerStep;
  return {
    steps,
    secondsPerStep,
    parts: { training, drawing, update },
    operationsPerSecond: operations / secondsPerStep,
    secondsBefore,
    seconds: all,
    gpuHours: (all * gpus) / 3600,
    bytes: plannedBytes({ ...spreading, holdsReference, processBytes }, step),
  };
};
