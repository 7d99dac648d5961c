/** Short steps of small models, each bound by something else: products, what lies between them, the tower, calls, drawing. */
import { type SegmentsBatch, segmentsBatch } from "../../batch/segments-batch.ts";
import type { TokenBatch } from "../../batch/token-batch.ts";
import { type Random, seededRandom } from "../../core/random.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import { readAnyConfig } from "../../model/families.ts";
import { plannedBytes } from "../train/plan-memory.ts";
import {
  drawLoads,
  passLoad,
  type Spreading,
  type StepLoad,
  scaled,
  updateLoad,
} from "../train/step-load.ts";
import type { RowsPass } from "../train/step-plan.ts";

/** A step that is timed. */
export interface RateStep {
  readonly name: string;
  /** Width, width inside, blocks and heads of the language model; of the tower. */
  readonly text: readonly [width: number, inside: number, blocks: number, heads: number];
  readonly tower: readonly [width: number, inside: number, blocks: number, heads: number];
  readonly clips: number;
  /** Temporal steps of a clip, and patches of a side. */
  readonly grid: readonly [steps: number, side: number];
  readonly words: number;
  /** Completions of each clip and their tokens; left out: a step of training. */
  readonly draws?: readonly [completions: number, tokens: number] | undefined;
}

const thinTower = [32, 64, 1, 2] as const;

/** Seconds of one core. */
const coreSteps: readonly RateStep[] = [
  {
    ...{ name: "wide blocks", text: [1024, 2816, 1, 16], tower: thinTower },
    ...{ clips: 8, grid: [1, 4], words: 121 },
  },
  {
    ...{ name: "narrow blocks", text: [128, 256, 6, 4], tower: thinTower },
    ...{ clips: 24, grid: [1, 4], words: 121 },
  },
  {
    ...{ name: "pictures", text: [64, 128, 2, 4], tower: [256, 704, 4, 4] },
    ...{ clips: 2, grid: [4, 16], words: 16 },
  },
  {
    ...{ name: "thin blocks", text: [64, 96, 16, 4], tower: thinTower },
    ...{ clips: 1, grid: [1, 4], words: 16 },
  },
  {
    ...{ name: "drawing", text: [192, 512, 8, 4], tower: thinTower },
    ...{ clips: 4, grid: [1, 4], words: 121, draws: [4, 16] },
  },
];

/** As much for a GPU as fills it for some hundredths of a second. */
const gpuSteps: readonly RateStep[] = [
  {
    ...{ name: "wide blocks", text: [2048, 8192, 2, 16], tower: thinTower },
    ...{ clips: 16, grid: [1, 4], words: 1017 },
  },
  {
    ...{ name: "narrow blocks", text: [512, 1408, 4, 8], tower: thinTower },
    ...{ clips: 16, grid: [1, 4], words: 2041 },
  },
  {
    ...{ name: "pictures", text: [64, 128, 2, 4], tower: [1280, 3420, 4, 16] },
    ...{ clips: 4, grid: [16, 32], words: 16 },
  },
  {
    ...{ name: "thin blocks", text: [64, 96, 16, 4], tower: thinTower },
    ...{ clips: 1, grid: [1, 4], words: 16 },
  },
  {
    ...{ name: "drawing", text: [1024, 2816, 12, 16], tower: thinTower },
    ...{ clips: 4, grid: [1, 4], words: 1017, draws: [8, 16] },
  },
];

/** The steps that tell the rates of a GPU, or of cores. */
export const rateStepsOf = (isOnGpu: boolean): readonly RateStep[] => (isOnGpu ? gpuSteps : coreSteps);

const vocabulary = 4096;

const configOf = ({ text, tower }: RateStep): Promise<ModelConfig> => {
  const [width, inside, blocks, heads] = text;
  const half = width / heads / 2;
  const turned = Math.floor((half * 3) / 8);
  return readAnyConfig(
    {
      model_type: "qwen2_5_vl",
      hidden_size: width,
      intermediate_size: inside,
      num_hidden_layers: blocks,
      num_attention_heads: heads,
      num_key_value_heads: heads / 2,
      rms_norm_eps: 1e-6,
      rope_theta: 1e6,
      rope_scaling: { type: "mrope", mrope_section: [half - 2 * turned, turned, turned] },
      vocab_size: vocabulary,
      max_position_embeddings: 4096,
      tie_word_embeddings: true,
      torch_dtype: "float32",
      image_token_id: 10,
      video_token_id: 11,
      vision_start_token_id: 12,
      vision_end_token_id: 13,
      eos_token_id: [2],
      vision_config: {
        depth: tower[2],
        hidden_size: tower[0],
        num_heads: tower[3],
        intermediate_size: tower[1],
        out_hidden_size: width,
        in_chans: 3,
        patch_size: 14,
        temporal_patch_size: 2,
        spatial_merge_size: 2,
        window_size: 112,
        fullatt_block_indexes: [tower[2] - 1],
        tokens_per_second: 2,
      },
    },
    "a model for timing",
  );
};

const clipsOf = ({ clips, grid: [steps, side], words, draws }: RateStep, random: Random) => {
  const picture = (): Uint8Array => {
    const some = random.integer(200);
    return new Uint8Array(side * side * 3 * 2 * 14 * 14).map((_, i) => (some + 31 * i) & 255);
  };
  return Array.from({ length: clips }, () => ({
    clip: { rows: side, columns: side, secondsPerStep: 1, steps: Array.from({ length: steps }, picture) },
    texts: [
      {
        tokens: Array.from({ length: words }, () => 20 + random.integer(vocabulary - 40)),
        ...(draws === undefined ? { scoredFrom: words >> 1 } : { scoredFrom: words, next: true }),
      },
    ],
  }));
};

/** What such a step asks for, by its batch. */
const workOf = ({ clips, grid: [steps, side], draws }: RateStep, batch: TokenBatch, spreading: Spreading) => {
  const { samples, length, scored } = batch;
  const pass: RowsPass = {
    ...{ rows: samples, length },
    flows: [
      {
        positions: samples * length,
        context: length,
        depth: 1,
        patches: clips * steps * side * side,
        scored: scored.rows.length,
      },
    ],
  };
  const held = { ...spreading, processBytes: 0, holdsReference: false };
  if (draws === undefined) {
    const plan = { forward: [], trained: [pass], drawn: [] };
    const loads = [passLoad(pass, spreading, true)];
    return { loads, plannedBytes: plannedBytes(held, plan).all };
  }
  const draw = { times: 1, read: pass, completions: draws[0], tokens: draws[1] };
  const plan = { forward: [], trained: [], drawn: [draw] };
  return { loads: drawLoads(draw, spreading), plannedBytes: plannedBytes(held, plan).all };
};

/** A step made ready: its model, its batch, and what `plan` says that it takes of a machine. */
export interface RateWork {
  readonly config: ModelConfig;
  readonly made: SegmentsBatch;
  readonly loads: readonly StepLoad[];
  /** What `plan` says of a process that holds nothing else. */
  readonly plannedBytes: number;
  /** Of an update; nothing where none is made. */
  readonly update: StepLoad;
}

/** Makes a step ready. */
export const rateWorkOf = async (step: RateStep, isOnGpu: boolean): Promise<RateWork> => {
  const config = await configOf(step);
  const tokens = {
    ...{ visionStart: 12, visionEnd: 13, video: 11 },
    ...{ endComplete: 14, endAbsent: 14, endText: 15 },
  };
  const clips = clipsOf(step, seededRandom("rates"));
  const made = segmentsBatch(clips, batchRules(config), { tokens, ...(step.draws && { prefill: true }) });
  const parts = { trained: "all", lora: null } as const;
  const spreading = {
    ...{ config, parts, gpus: 1, positionsPerBatch: Number.POSITIVE_INFINITY },
    ...{ keepsScores: false, isOnGpu },
  };
  const update = step.draws === undefined ? updateLoad(spreading) : scaled(updateLoad(spreading), 0);
  return { config, made, update, ...workOf(step, made.batch, spreading) };
};
