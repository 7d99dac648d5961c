import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { segmentsBatch } from "../../batch/segments-batch.ts";
import type { TokenBatch } from "../../batch/token-batch.ts";
import { assert, messageOf } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Engine } from "../../engine/contract.ts";
import { defaultEngine, openEngine } from "../../engine/engines.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { segmentTokensOf } from "../../model/segment-tokens.ts";
import { newCheckpoint, newTokenizer } from "../new-checkpoint.ts";
import type { EngineFinding } from "./doctor.ts";

/** Most that two engines may differ by, of the largest value: float32 sums in another order. */
const tolerance = 1e-4;
/** Sides of a step's pictures in patches. */
const side = 4;
const words = ["what", "happens", "it", "moves", "stays"];

const configOf = (vocabulary: number): Record<string, unknown> => ({
  model_type: "qwen2_5_vl",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [2, 3, 3] },
  vocab_size: vocabulary,
  max_position_embeddings: 512,
  tie_word_embeddings: false,
  torch_dtype: "float32",
  vision_config: {
    depth: 2,
    hidden_size: 32,
    num_heads: 2,
    intermediate_size: 48,
    out_hidden_size: 64,
    in_chans: 3,
    patch_size: 14,
    temporal_patch_size: 2,
    spatial_merge_size: 2,
    window_size: 56,
    fullatt_block_indexes: [1],
    tokens_per_second: 2,
  },
});

/** What an engine computes in the test. */
interface Computed {
  readonly logprobs: Float32Array;
  readonly gradients: readonly Float32Array[];
  readonly after: Float32Array;
  readonly norm: number;
}

const update = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradientNorm: 1,
};

/** Scores, goes backward, updates, scores again. */
const compute = async (engine: Engine, batch: TokenBatch): Promise<Computed> => {
  const pass = await engine.forward([batch], { keep: "graph" });
  const { tokenLogprobs } = pass.outputs[0]!;
  const cotangent = tokenLogprobs.map((_, i) => -(1 + i) / tokenLogprobs.length);
  await engine.backward(pass, [{ tokenLogprobs: cotangent, states: new Map() }]);
  const gradients: Float32Array[] = [];
  for (const name of engine.capabilities.trainable) gradients.push(await engine.read(name, "gradient"));
  const { norm } = await engine.update(update);
  const after = (await engine.forward([batch])).outputs[0]!.tokenLogprobs;
  return { logprobs: tokenLogprobs, gradients, after, norm };
};

const largestOf = (numbers: Float32Array): number =>
  numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Largest difference, of the largest expected value, or of the floor where all of them are smaller. */
const difference = (got: Float32Array, expected: Float32Array, floor = 1e-3): number => {
  let [worst, largest] = [0, floor];
  expected.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(got[i]! - value));
    largest = Math.max(largest, Math.abs(value));
  });
  return worst / largest;
};

const makeBatch = async (folder: string): Promise<TokenBatch> => {
  const files = join(folder, "tokenizer");
  const tokenizer = newTokenizer(files, words);
  const tokens = segmentTokensOf(tokenizer);
  assert(tokens !== undefined, "a tokenizer of our own has the ends of segments");
  const json = {
    ...configOf(Math.ceil(tokenizer.size / 16) * 16),
    image_token_id: tokenizer.idOf("<|image_pad|>"),
    video_token_id: tokenizer.idOf("<|video_pad|>"),
    vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
    vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
    eos_token_id: [tokenizer.idOf("<|im_end|>")],
  };
  const config = await newCheckpoint(join(folder, "checkpoint"), json, 1, files);
  const random = seededRandom("self-test");
  const levels = (): Uint8Array =>
    Uint8Array.from({ length: side * side * 3 * 2 * 14 * 14 }, () => random.integer(256));
  const clips = [0, 1].map((clip) => ({
    clip: { steps: [levels(), levels()], rows: side, columns: side, secondsPerStep: 1 },
    texts: [{ tokens: tokenizer.encode(words.slice(clip, clip + 4).join(" ")), scoredFrom: 1 }],
  }));
  return segmentsBatch(clips, batchRules(config), { tokens }).batch;
};

/** The same small model, its gradient and one update in both engines. @param chosen the engine that is tested */
export const selfTest = async (chosen: string, threads: number): Promise<EngineFinding[]> => {
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-doctor-"));
  try {
    const batch = await makeBatch(folder);
    const request = { folder: join(folder, "checkpoint"), trained: "all" } as const;
    const computed: Computed[] = [];
    for (const engine of [chosen, defaultEngine]) {
      const opened = await openEngine({ engine, threads }, request);
      await using _ = opened.engine;
      computed.push(await compute(opened.engine, batch));
    }
    const [got, expected] = computed as [Computed, Computed];
    // Gradients that are 0 but for rounding, as of a key's bias, are held against a hundredth of the largest of all.
    const floor = Math.max(...expected.gradients.map(largestOf)) / 100;
    const gradients = Math.max(
      ...got.gradients.map((one, i) => difference(one, expected.gradients[i]!, floor)),
    );
    const differences = {
      "log-probabilities": difference(got.logprobs, expected.logprobs),
      gradients,
      "log-probabilities after an update": difference(got.after, expected.after),
      "norm of the gradient": Math.abs(got.norm / expected.norm - 1),
    };
    return Object.entries(differences).map(([what, worst]) => ({
      what: `${what}, against the engine ${defaultEngine}`,
      expected: `within ${tolerance}`,
      got: worst.toExponential(1),
      ok: worst <= tolerance,
    }));
  } catch (error) {
    return [{ what: "self-test", expected: "both engines compute", got: messageOf(error), ok: false }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
