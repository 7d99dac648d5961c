/** What the loops share besides mathematics: looking, stopping, saving, saying how far it is. */
import { z } from "zod";
import type { BatchRules } from "../batch/batch-rules.ts";
import type { SegmentTokens } from "../batch/segments.ts";
import { nowMilliseconds, type Progress } from "../core/progress.ts";
import type { Engine, ParameterGroup, UpdateResult } from "../engine/contract.ts";
import { groupsOf } from "../engine/parameter-groups.ts";
import { recordSteps, type StepRecord } from "../engine/taken-steps.ts";
import type { Run } from "../runs/run.ts";
import { stopAtFailedStep } from "./failed-step.ts";
import { LoopWatch, usualWatch, type WatchOptions } from "./loop-watch.ts";
import { blindness, lookAtPictures, type ScoredBatch } from "./picture-check.ts";
import { learningRateAt, type Schedule } from "./schedule.ts";
import { StepSpeed } from "./step-speed.ts";

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
  /** "deadline": the time given ran out before all steps were done. "patience": held-out samples got no better. */
  readonly ended: "done" | "deadline" | "patience";
}

/** The settings of a loop around its step. */
export interface LoopSettings {
  readonly steps: number;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly checkpointEvery: number;
  /** Left out: no looks at held-out samples; divergence stops the run. */
  readonly watch?: WatchOptions;
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
  /** Reference answers about held-out clips: their loss is `validation/loss`, and they say whether the pictures are seen. */
  readonly heldOut?: () => Promise<readonly ScoredBatch[]>;
  /** More that is found out at every look; logged as `validation/NAME`. */
  readonly validate?: (step: number) => Promise<Readonly<Record<string, number>>>;
  /** Seconds that the loop has waited for data so far; left out: whenever the engine had nothing to do. */
  readonly waitedSeconds?: () => number;
  /** Seconds that another program has computed for the loop so far: roll-outs of a server. */
  readonly elsewhereSeconds?: () => number;
  readonly state: () => Readonly<Record<string, unknown>>;
  readonly restore: (state: Readonly<Record<string, unknown>>) => void;
}

/** Everything that a loop works with. */
interface Loop {
  readonly trainee: Trainee;
  readonly settings: LoopSettings;
  readonly context: LoopContext;
  readonly body: LoopStep;
  readonly watch: LoopWatch;
  readonly speed: StepSpeed;
  readonly record: StepRecord;
}

type Numbers = Readonly<Record<string, number>>;

/** What a look at held-out samples sees. */
const look = async ({ trainee, context, body }: Loop, step: number): Promise<Numbers> => {
  const { signal, progress } = context;
  const held = (await body.heldOut?.()) ?? [];
  const looks = await lookAtPictures(trainee.engine, held, trainee.rules, { signal });
  const blind = looks === undefined ? undefined : blindness(looks);
  if (blind !== undefined) progress.log(`step ${step}: ${blind}`);
  const found = Object.entries((await body.validate?.(step)) ?? {});
  return {
    ...(looks !== undefined && { "validation/loss": -looks["looks/clip"], ...looks }),
    ...Object.fromEntries(found.map(([name, value]) => [`validation/${name}`, value])),
  };
};

/** Norms of a step's gradient by group; at the first step a group without gradient is named. */
const normsByGroup = (step: number, norms: UpdateResult["norms"], progress: Progress): Numbers => {
  const none = Object.keys(norms).filter((group) => norms[group] === 0);
  if (step === 1 && none.length > 0)
    progress.log(`step 1: no gradient reaches ${none.join(", ")}, though it is trained`);
  return Object.fromEntries(Object.entries(norms).map(([group, norm]) => [`gradientNorm/${group}`, norm]));
};

/**
 * Computes a step and applies its gradient.
 *
 * @param onUpdate called before each update
 * @throws {RunError} when its numbers are none, or run away
 */
const takeLoopStep = async (loop: Loop, step: number, onUpdate: () => void): Promise<Numbers> => {
  const { trainee, settings, context, body, watch, speed, record } = loop;
  const { engine, tokenizerFolder } = trainee;
  const learningRate = learningRateAt(settings.schedule, step, settings.steps);
  const check = async (numbers: Numbers): Promise<void> => {
    const reason = watch.trouble(numbers);
    if (reason === undefined) return;
    await stopAtFailedStep(context.run, engine, tokenizerFolder, { step, reason, inputs: record.inputs });
  };
  const update = async (): Promise<UpdateResult> => {
    onUpdate();
    const result = await engine.update({ ...settings.optimizer, learningRate });
    await check({ gradientNorm: result.norm });
    return result;
  };
  record.forget();
  speed.start();
  await engine.clearGradient();
  const metrics = await body.compute(step, async () => {
    await update();
    await engine.clearGradient();
  });
  await check(metrics);
  const { norm: gradientNorm, norms } = await update();
  return {
    ...metrics,
    learningRate,
    gradientNorm,
    ...normsByGroup(step, norms, context.progress),
    ...speed.end(record.inputs, settings.steps - step),
  };
};

/** Goes on where a checkpoint stopped. @returns its step, 0 without one */
const resume = async ({ trainee, context, body, watch }: Loop): Promise<number> => {
  const from = context.run.resumedFrom;
  if (from === undefined) return 0;
  await trainee.engine.load(from.folder, { optimizer: true });
  const state = from.state as { loop: Record<string, unknown>; watch?: unknown };
  body.restore(state.loop);
  watch.restore(state.watch);
  return from.step;
};

const steps = async (loop: Loop): Promise<Omit<LoopResult, "seconds">> => {
  const { trainee, settings, context, body, watch } = loop;
  const { run, progress, signal, deadline } = context;
  let step = await resume(loop);
  let saved = step;
  let seen: ReturnType<LoopWatch["look"]>;
  const save = async (): Promise<void> => {
    const write = (folder: string): Promise<void> =>
      trainee.engine.save(folder, { optimizer: true, tokenizerFrom: trainee.tokenizerFolder });
    await run.checkpoint(step, write, { loop: body.state(), watch: watch.save() }, seen?.score);
    saved = step;
  };
  const tell = (at: number, numbers: Numbers): void => {
    run.metrics(at, numbers);
    progress.numbers?.(numbers);
  };
  if (step === 0 && (settings.watch?.validateEvery ?? 0) > 0) tell(0, await look(loop, 0));
  while (step < settings.steps && !watch.isOver) {
    if (signal.aborted) {
      if (saved !== step) await save();
      signal.throwIfAborted();
    }
    if (deadline !== undefined && nowMilliseconds() > deadline) break;
    let isUpdating = false;
    const onUpdate = (): void => {
      isUpdating = true;
    };
    const metrics = await takeLoopStep(loop, step + 1, onUpdate).catch(async (error: unknown) => {
      // It was stopped while it waited for data, and nothing of the step is in the weights.
      if (signal.aborted && saved !== step && !isUpdating) await save();
      throw error;
    });
    step++;
    const observed = await body.observe?.(step);
    const looked = watch.isDue(step, settings.steps) ? await look(loop, step) : {};
    seen = watch.look(looked);
    tell(step, { ...metrics, ...observed, ...looked });
    const { loss } = metrics;
    progress.update(step, settings.steps, loss === undefined ? "no loss" : `loss ${loss.toFixed(3)}`);
    if (step % settings.checkpointEvery === 0 || seen?.isBest === true) await save();
  }
  if (saved !== step) await save();
  const ended = step === settings.steps ? "done" : watch.isOver ? "patience" : "deadline";
  return { steps: step, ended };
};

/** What computes, for whoever reads the run later. */
const environmentOf = ({ capabilities }: Engine): Record<string, string> => ({
  engine: capabilities.engine,
  device: capabilities.ranks === 1 ? capabilities.device : `${capabilities.ranks} x ${capabilities.device}`,
  parameters: capabilities.parameterType,
  "trained tensors": String(capabilities.trainable.length),
  ...capabilities.versions,
  node: process.version,
  system: `${process.platform} ${process.arch}`,
});

/**
 * Runs a loop from its last checkpoint, or from the beginning: compute, update, look, log, save. A run that is killed and
 * resumed ends with the same weights as one that never stopped.
 *
 * @throws an `AbortError` after saving, when the signal says so
 * @throws {ConfigError} for a parameter group that takes nothing of what is trained
 * @throws {RunError} when a loss or gradient is no number, or the loss diverges; the step is saved in the run folder
 */
export const runLoop = async (
  trainee: Trainee,
  settings: LoopSettings,
  context: LoopContext,
  body: LoopStep,
): Promise<LoopResult> => {
  const { engine } = trainee;
  const start = nowMilliseconds();
  groupsOf(engine.capabilities.trainable, settings.optimizer.groups ?? []);
  context.run.environment(environmentOf(engine));
  using record = recordSteps(engine);
  const watch = new LoopWatch(settings.watch ?? usualWatch);
  const speed = new StepSpeed(engine, body);
  const done = await steps({ trainee, settings, context, body, watch, speed, record });
  return { ...done, seconds: (nowMilliseconds() - start) / 1000 };
};
