import type { ModelConfig, TextConfig } from "../config.ts";
import { type Fields, fieldsOf } from "../config-fields.ts";
import {
  blocksOf,
  channelsOf,
  readQwenConfig,
  towerDefaults,
  towerNormEps,
  towerTheta,
  writeQwenConfig,
} from "../qwen-config.ts";
import type { TowerSizes } from "../tower-pieces.ts";

/** The vision tower and its merger. */
export interface VisionConfig extends TowerSizes {
  readonly depth: number;
  /** Width of an MLP by the width of the tower. */
  readonly mlpRatio: number;
  readonly normEps: number;
  readonly ropeTheta: number;
}

/** One normalised form of every `config.json` of this family. */
export interface Qwen2VLConfig extends ModelConfig {
  readonly family: "qwen2_vl";
  readonly vision: VisionConfig;
}

/** What the class of the reference assumes for fields that are not there. */
const visionDefaults = {
  ...towerDefaults,
  embed_dim: 1280,
  mlp_ratio: 4,
};

const readVision = (stored: Fields, text: TextConfig): VisionConfig => {
  const vision = stored.orElse(fieldsOf(visionDefaults, stored.where));
  const width = vision.count("embed_dim");
  const heads = vision.count("num_heads");
  if (width % heads !== 0 || (width / heads) % 4 !== 0)
    throw vision.wrong("embed_dim", `a multiple of four times num_heads ${heads}`);
  const outHiddenSize = vision.count("hidden_size");
  if (outHiddenSize !== text.hiddenSize)
    throw vision.wrong("hidden_size", `${text.hiddenSize}, the language model's hidden_size`);
  vision.mustUse("hidden_act", "quick_gelu");
  return {
    depth: blocksOf(vision, "depth"),
    width,
    heads,
    headDim: width / heads,
    mlpRatio: vision.positive("mlp_ratio"),
    outHiddenSize,
    inChannels: channelsOf(vision),
    patchSize: vision.count("patch_size"),
    temporalPatchSize: vision.count("temporal_patch_size"),
    spatialMergeSize: vision.count("spatial_merge_size"),
    normEps: towerNormEps,
    ropeTheta: towerTheta(vision),
  };
};

/** Reads a `config.json` of this family. @throws {ConfigError | UnsupportedError} as `readQwenConfig` */
export const readQwen2Config = (root: Fields): Qwen2VLConfig => readQwenConfig(root, "qwen2_vl", readVision);

/** The JSON of a configuration in the hub's flat layout. */
export const writeQwen2Config = (config: Qwen2VLConfig): Record<string, unknown> => {
  const { vision } = config;
  return {
    ...writeQwenConfig(config, "Qwen2VLForConditionalGeneration"),
    vision_config: {
      model_type: "qwen2_vl",
      depth: vision.depth,
      embed_dim: vision.width,
      hidden_act: "quick_gelu",
      hidden_size: vision.outHiddenSize,
      mlp_ratio: vision.mlpRatio,
      num_heads: vision.heads,
      in_channels: vision.inChannels,
      in_chans: vision.inChannels,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      temporal_patch_size: vision.temporalPatchSize,
    },
  };
};
