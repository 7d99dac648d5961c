/** The main job from nothing: what is rendered, how large the models are, how long each stage trains. */

import type { ContrastOptions } from "../training/contrast.ts";
import type { DualEncoderOptions } from "../training/dual-encoder.ts";
import type { GrpoOptions } from "../training/grpo-options.ts";

/** A whole quickstart, resolved. */
export interface QuickstartRecipe {
  readonly seed: number;
  /** What computes the language model: NAME, or NAME:key=value,key=value. */
  readonly engine: string;
  readonly threads: number;
  readonly world: {
    readonly profile: string;
    readonly difficulty: number;
    readonly trainClips: number;
    /** Share of the training clips that RL asks about and SFT never sees. */
    readonly rlShare: number;
    readonly testClips: number;
  };
  /** Frames a second that the model sees. */
  readonly framesPerSecond: number;
  readonly model: {
    readonly width: number;
    readonly layers: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly mlp: number;
    readonly visionWidth: number;
    readonly visionDepth: number;
    readonly visionHeads: number;
    readonly visionMlp: number;
  };
  readonly relevance: {
    readonly width: number;
    readonly reach: number;
    readonly train: Omit<DualEncoderOptions, "threads">;
  };
  readonly pairs: {
    readonly peaks: { readonly topK: number };
    readonly builder: string;
    readonly builderParams: Readonly<Record<string, number>>;
  };
  /** Base SFT, then equal steps of plain SFT and of SFT with contrast from there, both without blind clips. */
  readonly sft: {
    readonly baseSteps: number;
    readonly forkSteps: number;
    readonly clipsPerStep: number;
    readonly textsPerClip: number;
    /** Of the base: for an honest answer without pictures. */
    readonly blindClipsPerStep: number;
    /** Share of questions that the refeed's instruction follows, so that it does not destroy the answer in RL. */
    readonly instructionShare: number;
    /** Held-out clips that contrast is looked at on while it trains. */
    readonly watchedClips: number;
    readonly learningRate: number;
    readonly forkLearningRate: number;
    readonly contrast: ContrastOptions;
  };
  readonly grpo: Omit<GrpoOptions, "optimizer" | "schedule" | "seed"> & { readonly learningRate: number };
  /** What RL is trained with a second time, to see what its gain comes from; "none": it is not. */
  readonly grpoControl: GrpoOptions["control"];
  /** Draws of the random-removal control. */
  readonly controlDraws: number;
}

/**
 * The quickstart for about `minutes` of training on two cores. Step counts are fixed before anything runs, so the same
 * call gives the same run on any machine; a slow machine takes longer.
 *
 * Sizes and learning rates come from a study of what such a model learns from scratch in minutes. Contrast has a weight of
 * 0.03 instead of the paper's 0.1: there it cost no accuracy, with 0.1 half a point to two points (206 steps, one seed).
 *
 * @differs one key frame a clip (top-1) and its whole stretch replaced, the paper takes every local maximum and replaces
 * single frames; keywords come from the world's script, not from a language model
 */
const quickstart = (minutes: number, seed: number, engine = "onnx"): QuickstartRecipe => {
  const share = minutes / 8;
  const steps = (count: number): number => Math.max(4, Math.round(count * share));
  return {
    seed,
    engine,
    threads: 2,
    world: {
      profile: "quickstart",
      difficulty: 0,
      trainClips: steps(4400),
      rlShare: 0.1,
      testClips: Math.max(40, Math.min(400, steps(400))),
    },
    framesPerSecond: 4,
    model: {
      width: 96,
      layers: 3,
      heads: 4,
      kvHeads: 2,
      mlp: 256,
      visionWidth: 64,
      visionDepth: 1,
      visionHeads: 4,
      visionMlp: 128,
    },
    relevance: {
      width: 128,
      reach: 3,
      train: {
        steps: steps(350),
        clipsPerStep: 24,
        temperature: 0.07,
        schedule: { learningRate: 6e-3, warmupSteps: 30, finalShare: 0.05 },
        seed,
      },
    },
    pairs: { peaks: { topK: 1 }, builder: "span", builderParams: { heightShare: 0.5 } },
    sft: {
      baseSteps: steps(2000),
      forkSteps: steps(300),
      clipsPerStep: 32,
      textsPerClip: 4,
      blindClipsPerStep: 1,
      instructionShare: 0.1,
      watchedClips: 64,
      learningRate: 3e-3,
      forkLearningRate: 1e-3,
      contrast: { block: 2, weight: 0.03, temperature: 0.05, dropout: 0.1 },
    },
    grpo: {
      steps: steps(80),
      promptsPerStep: 16,
      completions: 8,
      maxNewTokens: 3,
      temperature: 1,
      clip: 0.2,
      largestRatio: 10,
      updatesPerRollout: 1,
      beta: 0.04,
      rewards: { format: 0.5, length: 0.25, repetition: 0.25 },
      lambda: 0.5,
      comparison: "comparative",
      refeedTries: 2,
      onExhausted: "baseOnly",
      prefilter: { draws: 8, share: 0.5 },
      instructionGuard: { prompts: 8, everySteps: 5, leastShare: 0.5, answeringFrom: 0.2 },
      control: "none",
      entailment: "words",
      entailmentDirection: "covers-reference",
      checkpointEvery: 50,
      learningRate: 3e-4,
    },
    grpoControl: "twin-is-clip",
    controlDraws: 3,
  };
};

export default quickstart;
