import type { ModelConfig, TextConfig, VisionSizes } from "../config.ts";
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

/** The vision tower and its merger. `windowSize` is in pixels, blocks are 0-based. */
export interface VisionConfig extends VisionSizes {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly windowSize: number;
  readonly fullAttentionBlocks: readonly number[];
  readonly tokensPerSecond: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
}

/** Sizes of the tower as its pieces name them. */
export const towerSizes = (vision: VisionConfig): TowerSizes => ({ ...vision, width: vision.hiddenSize });

/** One normalised form of every `config.json` of this family. */
export interface Qwen25VLConfig extends ModelConfig {
  readonly family: "qwen2_5_vl";
  readonly vision: VisionConfig;
}

/**
 * What the class of the reference assumes for fields that are not there: transformers up to 4.51 does not write a
 * field of `vision_config` that has its default.
 */
const visionDefaults = {
  ...towerDefaults,
  intermediate_size: 3420,
  tokens_per_second: 4,
  window_size: 112,
  out_hidden_size: 3584,
  fullatt_block_indexes: [7, 15, 23, 31],
};

const readVision = (stored: Fields, text: TextConfig): VisionConfig => {
  const vision = stored.orElse(fieldsOf(visionDefaults, stored.where));
  const hiddenSize = vision.count("hidden_size");
  const heads = vision.count("num_heads");
  if (hiddenSize % heads !== 0 || (hiddenSize / heads) % 4 !== 0)
    throw vision.wrong("hidden_size", `a multiple of four times num_heads ${heads}`);
  const outHiddenSize = vision.count("out_hidden_size");
  if (outHiddenSize !== text.hiddenSize)
    throw vision.wrong("out_hidden_size", `${text.hiddenSize}, the language model's hidden_size`);
  const depth = blocksOf(vision, "depth");
  const fullAttentionBlocks = vision.integers("fullatt_block_indexes");
  if (fullAttentionBlocks.some((block) => block >= depth))
    throw vision.wrong("fullatt_block_indexes", `blocks below depth ${depth}`);
  vision.mustUse("hidden_act", "silu");
  const patchSize = vision.count("patch_size");
  const spatialMergeSize = vision.count("spatial_merge_size");
  const windowSize = vision.count("window_size");
  if (windowSize < patchSize * spatialMergeSize)
    throw vision.wrong("window_size", `at least one merged patch, ${patchSize * spatialMergeSize} pixels`);
  return {
    depth,
    hiddenSize,
    heads,
    headDim: hiddenSize / heads,
    intermediateSize: vision.count("intermediate_size"),
    outHiddenSize,
    inChannels: channelsOf(vision),
    patchSize,
    temporalPatchSize: vision.count("temporal_patch_size"),
    spatialMergeSize,
    windowSize,
    fullAttentionBlocks,
    tokensPerSecond: vision.positive("tokens_per_second"),
    rmsNormEps: towerNormEps,
    ropeTheta: towerTheta(vision),
  };
};

/** Reads a `config.json` of this family. @throws {ConfigError | UnsupportedError} as `readQwenConfig` */
export const readQwen25Config = (root: Fields): Qwen25VLConfig =>
  readQwenConfig(root, "qwen2_5_vl", readVision);

/** The JSON of a configuration in the hub's flat layout. */
export const writeQwen25Config = (config: Qwen25VLConfig): Record<string, unknown> => {
  const { vision } = config;
  return {
    ...writeQwenConfig(config, "Qwen2_5_VLForConditionalGeneration"),
    vision_config: {
      model_type: "qwen2_5_vl",
      depth: vision.depth,
      hidden_act: "silu",
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      in_channels: vision.inChannels,
      in_chans: vision.inChannels,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      window_size: vision.windowSize,
      fullatt_block_indexes: [...vision.fullAttentionBlocks],
      tokens_per_second: vision.tokensPerSecond,
      temporal_patch_size: vision.temporalPatchSize,
    },
  };
};
