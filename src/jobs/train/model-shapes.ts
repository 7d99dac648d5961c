import { existsSync } from "node:fs";
import { ConfigError } from "../../core/errors.ts";
import type { ModelConfig } from "../../model/config.ts";
import { readAnyConfig, readConfigFile } from "../../model/families.ts";

const vision = {
  depth: 32,
  hidden_size: 1280,
  intermediate_size: 3420,
  num_heads: 16,
  in_chans: 3,
  patch_size: 14,
  spatial_merge_size: 2,
  window_size: 112,
  fullatt_block_indexes: [7, 15, 23, 31],
  tokens_per_second: 2,
  temporal_patch_size: 2,
};
const common = {
  model_type: "qwen2_5_vl",
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
  max_position_embeddings: 128_000,
  torch_dtype: "bfloat16",
  image_token_id: 151_655,
  video_token_id: 151_656,
  vision_start_token_id: 151_652,
  vision_end_token_id: 151_653,
  eos_token_id: 151_645,
};

/** Sizes of released models. @source Qwen2.5-VL's configuration files */
const shapes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "3B": {
    ...common,
    hidden_size: 2048,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    num_key_value_heads: 2,
    intermediate_size: 11_008,
    vocab_size: 151_936,
    tie_word_embeddings: true,
    vision_config: { ...vision, out_hidden_size: 2048 },
  },
  "7B": {
    ...common,
    hidden_size: 3584,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    intermediate_size: 18_944,
    vocab_size: 152_064,
    tie_word_embeddings: false,
    vision_config: { ...vision, out_hidden_size: 3584 },
  },
};

/** Names of {@link modelShape}. */
export const shapeNames: readonly string[] = Object.keys(shapes);

/** A configuration by the name of a shape, or of a folder with a `config.json`. @throws {ConfigError} for neither */
export const modelShape = async (name: string): Promise<ModelConfig> => {
  const known = shapes[name.toUpperCase()];
  if (known !== undefined) return readAnyConfig(known, `shape ${name}`);
  if (existsSync(name)) return readConfigFile(name);
  throw new ConfigError("no such shape or folder", {
    where: "--model",
    expected: `${shapeNames.join(", ")}, or a folder with config.json`,
    got: name,
  });
};
