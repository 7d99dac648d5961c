/** What both loops share besides mathematics: stopping, saving, saying how far it is. */
import { z } from "zod";
import type { BatchRules } from "../batch/batch-rules.ts";
import type { SegmentTokens } from "../batch/segments.ts";
import { nowMilliseconds, type Progress } from "../core/progress.ts";
import type { Engine, ParameterGroup, UpdateOptions } from "../engine/contract.ts";
import type { Run } from "../runs/run.ts";
import { learningRateAt, type Schedule } from "./schedule.ts";

/** A model in training. */
export interface Trainee {
  readonly engine: Engine;
  /** What batches of its family are made by. */
  readonly rules: BatchRules;
  readonly tokens: SegmentTokens;
  /** Folder whose tokenizer files go into every checkpoint. */
  readonly tokenizerFolder: string;
}

const groupParams: z.ZodType<ParameterGroup> = z.strictObject({
  name: z.string().min(1).describe("what the gradient's norm is logged under"),
  pattern: z.string().min(1).describe("regular expression for names of parameters, e.g. ^visual"),
  learningRateFactor: z.number().min(0).exactOptional().describe("the learning rate is multiplied by it"),
  weightDecay: z.number().min(0).exactOptional().describe("instead of the optimizer's"),
});

/** Parameters of AdamW besides the learning rate. */
export const optimizerParams: z.ZodObject<{
  beta1: z.ZodDefault<z.ZodNumber>;
  beta2: z.ZodDefault<z.ZodNumber>;
  epsilon: z.ZodDefault<z.ZodNumber>;
  weightDecay: z.ZodDefault<z.ZodNumber>;
  maxGradientNorm: z.ZodDefault<z.ZodNumber>;
  groups: z.ZodExactOptional<z.ZodType<readonly ParameterGroup[]>>;
}> = z.strictObject({
  beta1: z.number().min(0).max(1).default(0.9),
  beta2: z.number().min(0).max(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.01).describe("decoupled decay of matrices"),
  maxGradientNorm: z.number().min(0).default(1).describe("clip the global L2 norm; 0: no limit"),
  groups: z
    .array(groupParams)
    .exactOptional()
    .describe("parameters with a learning rate and a decay of their own; the first pattern that matches"),
});

/** AdamW's parameters. */
export type OptimizerOptions = z.output<typeof optimizerParams>;

/** What a loop is given besides its own options. */
export interface LoopContext {
  readonly run: Run;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Milliseconds (of `nowMilliseconds`) after which the loop ends early; said in the result. */
  readonly deadline?: number;
}

/** How a loop ended. */
export interface LoopResult {
  readonly steps: number;
  readonly seconds: number;
  /** "deadline": the time given ran out before all steps were done. */
  readonly ended: "done" | "deadline";
}

/** The settings of a loop around its step. */
export interface LoopSettings {
  readonly steps: number;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
}

/** One step; `state` is what a resumed run must get back. */
export interface LoopStep {
  /**
   * Adds the step's gradient to a clear one and says what to log. A step of several updates calls `update` between them:
   * it applies the gradient and clears it. The last one is the loop's.
   */
  readonly compute: (step: number, update: () => Promise<void>) => Promise<Readonly<Record<string, number>>>;
  /** More to log, read off the weights after the step's update. */
  readonly observe?: (step: number) => Promise<Readonly<Record<string, number>>>;
  readonly state: () => Readonly<Record<string, unknown>>;
  readonly restore: (state: Readonly<Record<string, unknown>>) => void;
}

/**
 * Runs a loop from its last checkpoint, or from the beginning: compute, update, log, save. A run that is killed and
 * resumed ends with the same weights as one that never stopped.
 *
 * @throws an `AbortError` after saving, when the signal says so
 */
export const runLoop = async (
  trainee: Trainee,
  settings: LoopSettings,
  context: LoopContext,
  body: LoopStep,
): Promise<LoopResult> => {
  const { run, progress, signal, deadline } = context;
  const { engine, tokenizerFolder } = trainee;
  const start = nowMilliseconds();
  let step = 0;
  const from = run.resumedFrom;
  if (from !== undefined) {
    await engine.load(from.folder, { optimizer: true });
    body.restore((from.state as { loop: Record<string, unknown> }).loop);
    step = from.step;
  }
  const save = async (): Promise<void> => {
    const write = (folder: string): Promise<void> =>
      engine.save(folder, { optimizer: true, tokenizerFrom: tokenizerFolder });
    await run.checkpoint(step, write, { loop: body.state() });
  };
  let saved = step;
  let ended: LoopResult["ended"] = "done";
  while (step < settings.steps) {
    if (signal.aborted) {
      if (saved !== step) await save();
      signal.throwIfAborted();
    }
    if (deadline !== undefined && nowMilliseconds() > deadline) {
      ended = "deadline";
      break;
    }
    step++;
    const learningRate = learningRateAt(settings.schedule, step, settings.steps);
    const options: UpdateOptions = { ...settings.optimizer, learningRate };
    await engine.clearGradient();
    const metrics = await body.compute(step, async () => {
      await engine.update(options);
      await engine.clearGradient();
    });
    const { norm: gradientNorm } = await engine.update(options);
    const seen = await body.observe?.(step);
    run.metrics(step, { ...metrics, learningRate, gradientNorm, ...seen });
    const { loss } = metrics;
    progress.update(step, settings.steps, loss === undefined ? "no loss" : `loss ${loss.toFixed(3)}`);
    if (step % settings.checkpointEvery === 0) {
      await save();
      saved = step;
    }
  }
  if (saved !== step) await save();
  return { steps: step, seconds: (nowMilliseconds() - start) / 1000, ended };
};
