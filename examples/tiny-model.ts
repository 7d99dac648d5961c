import { join } from "node:path";
import { type ModelConfig, newCheckpoint, newTokenizer, type Tokenizer } from "videoperceiver/engine";

/** A model of Qwen2.5-VL's shape with new weights, small enough to look at. */
export interface TinyModel {
  readonly folder: string;
  readonly tokenizerFolder: string;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
}

/** Writes the model and a tokenizer of the given words into a folder. */
export const tinyModel = async (
  parent: string,
  words: readonly string[],
  family = "qwen2_5_vl",
): Promise<TinyModel> => {
  const [folder, tokenizerFolder] = [join(parent, "model"), join(parent, "tokenizer")];
  const tokenizer = newTokenizer(tokenizerFolder, words);
  const json = {
    model_type: family,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
    vocab_size: tokenizer.size,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
    image_token_id: tokenizer.idOf("<|image_pad|>"),
    video_token_id: tokenizer.idOf("<|video_pad|>"),
    vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
    vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
    eos_token_id: tokenizer.idOf("<|im_end|>"),
    vision_config: {
      depth: 1,
      hidden_size: 16,
      num_heads: 2,
      intermediate_size: 24,
      out_hidden_size: 32,
      patch_size: 4,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
      window_size: 16,
      fullatt_block_indexes: [0],
      tokens_per_second: 2,
    },
  };
  return {
    folder,
    tokenizerFolder,
    tokenizer,
    config: await newCheckpoint(folder, json, 1, tokenizerFolder),
  };
};

/** One temporal step (two frames of 8 x 8 pixels, as patches) of a single grey level. */
export const greyStep = (level: number): Uint8Array => new Uint8Array(4 * 3 * 2 * 4 * 4).fill(level);
