/** Training of the small frame-text encoder on clips and their keywords. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RunError } from "../core/errors.ts";
import { makeFolder } from "../core/files.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { DualEncoderOpener, EncoderTrainee } from "../engine/dual-encoder.ts";
import type { DualEncoderConfig } from "../model/dual-encoder-config.ts";
import { patchFloats, surroundedPatches, wordBags } from "../model/dual-encoder-patches.ts";
import { hiddenScore } from "../model/position-tables.ts";
import type { LoopContext, LoopResult } from "./loop.ts";
import { batchAt } from "./order.ts";
import { learningRateAt, type Schedule, scheduleParams } from "./schedule.ts";

/** Options of the encoder's training. */
export interface DualEncoderOptions {
  readonly steps: number;
  readonly clipsPerStep: number;
  readonly temperature: number;
  readonly schedule: Schedule;
  readonly seed: number;
  readonly threads: number;
}

/** Checks options and fills in defaults. */
export const dualEncoderParams: z.ZodType<DualEncoderOptions> = z.strictObject({
  steps: z.number().int().min(1),
  clipsPerStep: z.number().int().min(2).default(24),
  temperature: z.number().positive().default(0.1).describe("divides cosines"),
  schedule: scheduleParams,
  seed: z.number().int().default(1),
  threads: z.number().int().min(1).default(2),
});

/** A clip's frames (rgb24, the encoder's size) and its keywords. */
export interface KeywordClip {
  readonly frames: readonly Uint8Array[];
  readonly keywords: readonly string[];
}

/** What a step is fed: patches of all frames, words of all clips, and which texts are equal. */
const stepNumbers = (
  chosen: readonly KeywordClip[],
  config: DualEncoderConfig,
): Record<string, Float32Array> => {
  const size = chosen.length;
  const own = new Float32Array(size ** 3);
  for (let b = 0; b < size; b++) own[b * size * size + b * size + b] = 1;
  const pixels = patchFloats(
    chosen.flatMap((clip) => surroundedPatches(clip.frames, config)),
    config,
  );
  const bags = wordBags(
    chosen.map(({ keywords }) => keywords),
    config,
    (word) => {
      throw new RangeError(`word ${word} is not in the vocabulary`);
    },
  );
  const texts = chosen.map(({ keywords }) => keywords.join(" "));
  const textMask = new Float32Array(size * size);
  texts.forEach((text, i) => {
    texts.forEach((other, j) => {
      if (i !== j && text === other) textMask[i * size + j] = hiddenScore;
    });
  });
  return { pixels, bags, textMask, own };
};

const takeEncoderStep = async (
  encoder: EncoderTrainee,
  chosen: readonly KeywordClip[],
  step: number,
  config: DualEncoderConfig,
  { schedule, steps }: DualEncoderOptions,
): Promise<{ readonly contrast: number; readonly learningRate: number }> => {
  const contrast = await encoder.step(stepNumbers(chosen, config));
  const learningRate = learningRateAt(schedule, step, steps);
  await encoder.update({
    learningRate,
    beta1: 0.9,
    beta2: 0.98,
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradientNorm: 1,
  });
  return { contrast, learningRate };
};

/** Trains from scratch and writes the encoder into `folder`; all clips have equally many frames. */
export const trainDualEncoder = async (
  opener: DualEncoderOpener,
  folder: string,
  config: DualEncoderConfig,
  clips: readonly KeywordClip[],
  options: DualEncoderOptions,
  context: Pick<LoopContext, "run" | "progress" | "signal">,
): Promise<void> => {
  const { clipsPerStep, temperature, seed, steps, threads } = options;
  const shape = { clips: clipsPerStep, framesPerClip: clips[0]!.frames.length, temperature };
  await using encoder = await opener.create(config, seed, shape, threads);
  for (let step = 1; step <= steps; step++) {
    context.signal.throwIfAborted();
    const chosen = batchAt(clips.length, clipsPerStep, step, seed).map((index) => clips[index]!);
    const metrics = await takeEncoderStep(encoder, chosen, step, config, options);
    context.run.metrics(step, metrics);
    context.progress.update(step, steps, `loss ${metrics.contrast.toFixed(3)}`);
  }
  await encoder.save(folder);
};

/** Clips of an encoder's steps, wherever they come from. */
export interface KeywordClipSource {
  /** The clips of a step (1-based), as many each time, the same ones whenever it is asked. */
  take(step: number): Promise<readonly KeywordClip[]>;
  readonly framesPerClip: number;
}

/** When an encoder's run is saved, and what is found out about a saved one. */
export interface EncoderSaving {
  readonly checkpointEvery: number;
  readonly validate: (folder: string) => Promise<Readonly<Record<string, number>>>;
}

/**
 * As {@link trainDualEncoder}, in a run with checkpoints that it goes on from; a resumed run ends as one that never stopped.
 *
 * @throws an `AbortError` after saving, when the signal says so
 */
export const trainEncoderRun = async (
  opener: DualEncoderOpener,
  config: DualEncoderConfig,
  source: KeywordClipSource,
  options: DualEncoderOptions & EncoderSaving,
  { run, progress, signal }: Pick<LoopContext, "run" | "progress" | "signal">,
): Promise<LoopResult> => {
  const start = nowMilliseconds();
  const { steps, clipsPerStep, temperature, seed, threads, checkpointEvery, validate } = options;
  const shape = { clips: clipsPerStep, framesPerClip: source.framesPerClip, temperature };
  await using encoder = await opener.create(config, seed, shape, threads);
  const from = run.resumedFrom;
  if (from !== undefined) await encoder.load(from.folder);
  let step = from?.step ?? 0;
  let saved = step;
  const save = async (): Promise<string> => {
    const write = (folder: string): Promise<void> => encoder.save(folder, { optimizer: true });
    saved = step;
    return (await run.checkpoint(step, write, {})).folder;
  };
  while (step < steps) {
    if (signal.aborted) {
      if (saved !== step) await save();
      signal.throwIfAborted();
    }
    const clips = await source.take(step + 1).catch(async (error: unknown) => {
      if (signal.aborted && saved !== step) await save();
      throw error;
    });
    step++;
    const metrics = await takeEncoderStep(encoder, clips, step, config, options);
    if (!Number.isFinite(metrics.contrast))
      throw new RunError(`training stopped at step ${step}: contrast is ${metrics.contrast}`, {
        where: run.folder,
        hint: "a smaller schedule.learningRate",
      });
    if (step % checkpointEvery !== 0 && step !== steps) run.metrics(step, metrics);
    else {
      // The log reaches a step before its checkpoint does.
      const scratch = join(run.folder, "looking");
      makeFolder(scratch);
      try {
        await encoder.save(scratch);
        const found = Object.entries(await validate(scratch));
        const named = found.map(([name, value]) => [`validation/${name}`, value]);
        run.metrics(step, { ...metrics, ...Object.fromEntries(named) });
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
      await save();
    }
    progress.update(step, steps, `loss ${metrics.contrast.toFixed(3)}`);
  }
  return { steps: step, seconds: (nowMilliseconds() - start) / 1000, ended: "done" };
};
