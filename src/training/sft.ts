/** Supervised fine-tuning with next-token loss and, on request, the three InfoNCE losses at a middle block. */
import { z } from "zod";
import type { ClipSegments } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import { seededRandom } from "../core/random.ts";
import type { FeedArray } from "../engine/contract.ts";
import { hiddenScore } from "../model/qwen2_5_vl/batch.ts";
import { lossRegistry, sumOfTerms } from "../objectives/losses.ts";
import type { TrainingClip, TrainingText } from "./clip.ts";
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

/** How clips are contrasted; block 16 and weight 0.1 are the paper's, temperature and dropout ours. */
export interface ContrastOptions {
  readonly block: number;
  readonly weight: number;
  readonly temperature: number;
  readonly dropout: number;
}

const contrastParams: z.ZodType<ContrastOptions> = z.strictObject({
  block: z
    .number()
    .int()
    .min(1)
    .default(16)
    .describe("language block that is contrasted, 1-based (paper: 16)"),
  weight: z.number().min(0).default(0.1).describe("weight of the three losses (paper: 0.1)"),
  temperature: z.number().positive().default(0.05).describe("temperature of the cosines (ours)"),
  dropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe("dropout of visual tokens in the second view (ours)"),
});

/** Options of supervised fine-tuning. */
export interface SftOptions {
  readonly steps: number;
  readonly clipsPerStep: number;
  readonly textsPerClip: number;
  /** Of these clips in a step the pictures are hidden: the model learns what the questions alone give away. */
  readonly blindClipsPerStep: number;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerOptions;
  readonly contrast: ContrastOptions | null;
  readonly checkpointEvery: number;
  readonly seed: number;
}

/** Checks options and fills in defaults. */
export const sftParams: z.ZodType<SftOptions> = z.strictObject({
  steps: z.number().int().min(1).describe("optimizer steps"),
  clipsPerStep: z.number().int().min(1).default(16).describe("clips a step (paper: 16)"),
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
  contrast: contrastParams.nullable().default(null).describe("null: plain SFT"),
  checkpointEvery: z.number().int().min(1).default(500).describe("steps between checkpoints"),
  seed: z.number().int().default(1),
});

/** Texts of one clip in one step: the first open one when there is one, then others in random order. */
const chooseTexts = (
  clip: TrainingClip,
  count: number,
  key: readonly (string | number)[],
): TrainingText[] => {
  const caption = clip.texts.find(({ skill }) => skill === "dense-caption");
  const others = seededRandom(...key).shuffled(clip.texts.filter((text) => text !== caption));
  return [...(caption === undefined ? [] : [caption]), ...others].slice(0, count);
};

/** Large negative numbers where a clip has no twin, and where two clips have the same keywords. */
const contrastFeeds = (clips: readonly TrainingClip[]): Record<string, FeedArray> => {
  const names = clips.map(({ keywords }) => keywords.join(" "));
  const textMask = new Float32Array(clips.length ** 2);
  names.forEach((name, i) => {
    names.forEach((other, j) => {
      if (i !== j && name === other) textMask[i * clips.length + j] = hiddenScore;
    });
  });
  return {
    twinMask: Float32Array.from(clips, ({ absentSteps }) => (absentSteps.size > 0 ? 0 : hiddenScore)),
    textMask,
  };
};

/** Trains on clips with their texts. @source VideoPerceiver, first stage (eq. 7) */
export const trainSft = async (
  trainee: Trainee,
  clips: readonly TrainingClip[],
  options: SftOptions,
  context: LoopContext,
): Promise<LoopResult> => {
  const { config, engine, tokens } = trainee;
  const { contrast, seed } = options;
  const terms = [(await lossRegistry.make("cross-entropy")).value];
  if (contrast !== null) {
    const { dropout: _, ...params } = contrast;
    terms.push((await lossRegistry.make("contrastive", params)).value);
  }
  const compute = async (step: number): Promise<Record<string, number>> => {
    const chosen = batchAt(clips.length, options.clipsPerStep, step, seed).map((index) => clips[index]!);
    const rows = chosen.map((clip, i): ClipSegments => {
      const texts = chooseTexts(clip, options.textsPerClip, [seed, "texts", step, i]).map(
        ({ prompt, target }) => ({
          tokens: [...prompt, ...target],
          scoredFrom: prompt.length,
        }),
      );
      return {
        clip: clip.patches,
        texts,
        blind: i < options.blindClipsPerStep,
        contrast: { absentSteps: clip.absentSteps, keywords: clip.keywords },
      };
    });
    const random = seededRandom(seed, "dropout", step);
    const view = contrast === null ? undefined : { block: contrast.block, dropout: contrast.dropout, random };
    const batch = segmentsBatch(rows, config, { tokens, contrast: view });
    const weights = new Float32Array(batch.language.scored).fill(
      1 / batch.scored.length,
      0,
      batch.scored.length,
    );
    const shape = { scored: batch.language.scored, contrasted: contrast === null ? 0 : chosen.length };
    const extra = contrast === null ? { weights } : { weights, ...contrastFeeds(chosen) };
    const result = await engine.step(batch, sumOfTerms(terms, shape), extra);
    return { loss: result.loss, ...result.metrics };
  };
  return runLoop(trainee, options, context, { compute, state: () => ({}), restore: () => {} });
};
