/** Training of the small frame-text encoder on clips and their keywords. */
import { z } from "zod";
import type { Progress } from "../core/progress.ts";
import type { DualEncoderOpener } from "../engine/dual-encoder.ts";
import type { DualEncoderConfig } from "../model/dual-encoder-config.ts";
import { patchFloats, surroundedPatches, wordBags } from "../model/dual-encoder-patches.ts";
import { hiddenScore } from "../model/position-tables.ts";
import type { Run } from "../runs/run.ts";
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

/** Trains from scratch and writes the encoder into `folder`; all clips have equally many frames. */
export const trainDualEncoder = async (
  opener: DualEncoderOpener,
  folder: string,
  config: DualEncoderConfig,
  clips: readonly KeywordClip[],
  options: DualEncoderOptions,
  context: { readonly run: Run; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<void> => {
  const size = options.clipsPerStep;
  const shape = { clips: size, framesPerClip: clips[0]!.frames.length, temperature: options.temperature };
  await using encoder = await opener.create(config, options.seed, shape, options.threads);
  const own = new Float32Array(size ** 3);
  for (let b = 0; b < size; b++) own[b * size * size + b * size + b] = 1;
  for (let step = 1; step <= options.steps; step++) {
    context.signal.throwIfAborted();
    const chosen = batchAt(clips.length, size, step, options.seed).map((index) => clips[index]!);
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
    const value = await encoder.step({ pixels, bags, textMask, own });
    const learningRate = learningRateAt(options.schedule, step, options.steps);
    await encoder.update({
      learningRate,
      beta1: 0.9,
      beta2: 0.98,
      epsilon: 1e-8,
      weightDecay: 0.01,
      maxGradientNorm: 1,
    });
    context.run.metrics(step, { contrast: value, learningRate });
    context.progress.update(step, options.steps, `loss ${value.toFixed(3)}`);
  }
  await encoder.save(folder);
};
