import { fieldsOf } from "../../../src/model/config-fields.ts";
import { type Qwen25VLConfig, readQwen25Config } from "../../../src/model/qwen2_5_vl/config.ts";

/** A tower of two blocks, the second with full attention, as `config.json` states it. */
export const smallVision: Readonly<Record<string, unknown>> = {
  depth: 2,
  hidden_size: 16,
  num_heads: 2,
  intermediate_size: 24,
  out_hidden_size: 32,
  in_chans: 3,
  patch_size: 14,
  temporal_patch_size: 2,
  spatial_merge_size: 2,
  window_size: 56,
  fullatt_block_indexes: [1],
  tokens_per_second: 2,
};

/** The hub's flat layout of a small model; `change` replaces fields. */
export const flatConfig = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  model_type: "qwen2_5_vl",
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
  vocab_size: 64,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
  torch_dtype: "float32",
  image_token_id: 10,
  video_token_id: 11,
  vision_start_token_id: 12,
  vision_end_token_id: 13,
  eos_token_id: [2, 3],
  vision_config: smallVision,
  ...change,
});

/** The same as a configuration. */
export const smallConfig = (change: Readonly<Record<string, unknown>> = {}): Qwen25VLConfig =>
  readQwen25Config(fieldsOf(flatConfig(change), "config.json"));
