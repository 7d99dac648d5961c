import type { SegmentTokens } from "../../batch/segments.ts";
import type { ModelConfig } from "../../model/config.ts";
import { readConfig } from "../../model/families.ts";
import { segmentTokensOf } from "../../model/segment-tokens.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { worldVocabulary } from "../../world/words.ts";
import { newTokenizer } from "../new-checkpoint.ts";

/** Words that the refeed appends to a question. */
export const refeedInstruction = "look closely .";

/** Tokenizer and special tokens of a model that knows the scripted world's words. */
export interface WorldLanguage {
  readonly folder: string;
  readonly tokenizer: Tokenizer;
  readonly tokens: SegmentTokens;
  /** Ends an answer. */
  readonly end: number;
}

/** Writes the tokenizer's files (a Hugging Face folder) and opens it. @param more words besides the world's */
export const makeLanguage = (folder: string, more: readonly string[] = []): WorldLanguage => {
  const words = [...worldVocabulary(), ...refeedInstruction.split(" "), ...more];
  const tokenizer = newTokenizer(folder, words);
  return {
    folder,
    tokenizer,
    end: tokenizer.idOf("<|im_end|>"),
    tokens: segmentTokensOf(tokenizer)!,
  };
};

/** Configuration of the small model: Qwen2.5-VL's shape at the recipe's sizes. */
export const makeConfig = ({ model }: QuickstartRecipe, { tokenizer, end }: WorldLanguage): ModelConfig => {
  const headDim = model.width / model.heads;
  const side = Math.floor(headDim / 6);
  const json = {
    model_type: "qwen2_5_vl",
    torch_dtype: "float32",
    vocab_size: tokenizer.size,
    hidden_size: model.width,
    intermediate_size: model.mlp,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.kvHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    rope_scaling: { type: "mrope", mrope_section: [headDim / 2 - 2 * side, side, side] },
    tie_word_embeddings: true,
    max_position_embeddings: 4096,
    initializer_range: 0.02,
    vision_config: {
      depth: model.visionDepth,
      hidden_size: model.visionWidth,
      num_heads: model.visionHeads,
      intermediate_size: model.visionMlp,
      out_hidden_size: model.width,
      window_size: 112,
      fullatt_block_indexes: [model.visionDepth - 1],
      tokens_per_second: 2,
    },
    image_token_id: tokenizer.idOf("<|image_pad|>"),
    video_token_id: tokenizer.idOf("<|video_pad|>"),
    vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
    vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
    eos_token_id: end,
    pad_token_id: tokenizer.idOf("<|endoftext|>"),
  };
  return readConfig(json, "the quickstart's model");
};
