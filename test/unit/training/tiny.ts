/** A model of a few thousand parameters, clips of noise and a toy task: what training tests stand on. */

import type { SegmentTokens } from "../../../src/batch/segments.ts";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import { emptyStore } from "../../../src/engine/model-store.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import { wholeGraphEngine } from "../../../src/engine/onnx/open.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import type { ClipPatches } from "../../../src/frames/clip-patches.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { initialize } from "../../../src/model/initialize.ts";
import type { Qwen25VLConfig } from "../../../src/model/qwen2_5_vl/config.ts";
import type { TrainingClip, TrainingText } from "../../../src/training/clip.ts";
import type { Language } from "../../../src/training/clip-prompts.ts";
import type { Trainee } from "../../../src/training/loop.ts";
import { smallConfig } from "../model/small-config.ts";

/** Patches of 2 x 2 pixels, two blocks of vision, `layers` of language. */
export const tinyConfig = (layers = 3): Qwen25VLConfig =>
  smallConfig({
    num_hidden_layers: layers,
    vocab_size: 32,
    vision_config: {
      depth: 2,
      hidden_size: 16,
      num_heads: 2,
      intermediate_size: 24,
      out_hidden_size: 32,
      in_chans: 3,
      patch_size: 2,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
      window_size: 8,
      fullatt_block_indexes: [1],
      tokens_per_second: 2,
    },
  });

/** Special tokens; 10 to 13 are the configuration's, words are 16 and up. */
export const tinyTokens: SegmentTokens = {
  visionStart: 12,
  visionEnd: 13,
  video: 11,
  endComplete: 4,
  endAbsent: 5,
  endText: 6,
};
/** Ends an answer. */
export const tinyEnd = 2;

const patchBytes = 3 * 2 * 2 * 2;

/** One temporal step of 4 x 4 patches. */
export const noiseStep = (random: Random): Uint8Array =>
  Uint8Array.from({ length: 16 * patchBytes }, () => random.integer(256));

/** One temporal step of a single grey. */
export const flatStep = (level: number): Uint8Array => new Uint8Array(16 * patchBytes).fill(level);

/** A clip of the given steps, half a second apart. */
export const clipOf = (steps: readonly Uint8Array[]): ClipPatches => ({
  rows: 4,
  columns: 4,
  secondsPerStep: 0.5,
  steps,
});

/** A model in training with what tests look at. */
export interface TinyTrainee extends Trainee {
  readonly config: Qwen25VLConfig;
  readonly store: ParameterStore;
}

/** New weights. */
export const tinyStore = (config: Qwen25VLConfig, seed = 1): ParameterStore => {
  const store = emptyStore(config, "all");
  initialize(store.all(), seededRandom(seed, "weights"));
  return store;
};

/** A new model with its engine. */
export const tinyTrainee = (
  tokenizerFolder: string,
  options: { readonly seed?: number; readonly threads?: number; readonly layers?: number } = {},
): TinyTrainee => {
  const config = tinyConfig(options.layers);
  const store = tinyStore(config, options.seed);
  const model = { config, weights: new ModelWeights(store), adapter: undefined };
  const engine = wholeGraphEngine(model, { threads: options.threads ?? 1 });
  return { config, store, engine, rules: batchRules(config), tokens: tinyTokens, tokenizerFolder };
};

const words = ["dark", "bright"] as const;
/** First of the tokens of {@link words}. */
const firstWord = 16;
/** Token of the question. */
export const askToken = 20;
/** Tokens of the refeed's instruction. */
export const instruction: readonly number[] = [21, 22];

/** Reads the toy's words; other tokens are shown as their numbers. */
export const tinyLanguage: Language = {
  decode: (tokens) => tokens.map((token) => words[token - firstWord] ?? `#${token}`).join(" "),
  endToken: tinyEnd,
  refeedInstruction: instruction,
};

/**
 * The toy: one step of three is dark or bright, the answer says which; in the twin that step is a middle grey. Noise on
 * the other steps makes every clip another one.
 */
export const toyClips = (count: number, seed = 1): TrainingClip[] =>
  Array.from({ length: count }, (_, i): TrainingClip => {
    const random = seededRandom("toy", seed, i);
    const label = i % 2;
    const at = random.integer(3);
    const steps = Array.from({ length: 3 }, (__, step) =>
      step === at ? flatStep(label === 0 ? 0 : 255) : flatStep(100 + random.integer(56)),
    );
    const text: TrainingText = {
      sampleId: `toy ${i}`,
      skill: "brightness",
      question: "dark or bright ?",
      answer: words[label]!,
      answerKind: "choice",
      options: words,
      prompt: [askToken],
      target: [firstWord + label, tinyEnd],
      optionTargets: words.map((_, option) => [firstWord + option, tinyEnd]),
      aboutEvent: true,
    };
    return {
      id: `clip ${i}`,
      patches: clipOf(steps),
      absentSteps: new Map([[at, flatStep(128)]]),
      keywords: [firstWord + label],
      texts: [text],
    };
  });
