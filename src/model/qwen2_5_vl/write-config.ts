import type { Qwen25VLConfig } from "./config.ts";

/**
 * The JSON of a configuration in the hub's flat layout, with what transformers 5.x needs beside it (`dtype`,
 * `in_channels`); transformers 4.49 ignores those. `vision_token_id` and other unused fields are not written.
 */
export const writeConfig = (config: Qwen25VLConfig): Record<string, unknown> => {
  const { text, vision, tokens } = config;
  const ends = tokens.endOfText.length === 1 ? tokens.endOfText[0] : [...tokens.endOfText];
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    attention_dropout: 0,
    ...(tokens.begin === undefined ? {} : { bos_token_id: tokens.begin }),
    ...(tokens.endOfText.length === 0 ? {} : { eos_token_id: ends }),
    ...(tokens.pad === undefined ? {} : { pad_token_id: tokens.pad }),
    vision_start_token_id: tokens.visionStart,
    vision_end_token_id: tokens.visionEnd,
    image_token_id: tokens.image,
    video_token_id: tokens.video,
    hidden_act: "silu",
    hidden_size: text.hiddenSize,
    initializer_range: text.initializerRange,
    intermediate_size: text.intermediateSize,
    max_position_embeddings: text.maxPositionEmbeddings,
    max_window_layers: text.layers,
    model_type: "qwen2_5_vl",
    num_attention_heads: text.heads,
    num_hidden_layers: text.layers,
    num_key_value_heads: text.kvHeads,
    rms_norm_eps: text.rmsNormEps,
    rope_theta: text.ropeTheta,
    sliding_window: 32_768,
    tie_word_embeddings: text.tieWordEmbeddings,
    torch_dtype: config.storage,
    dtype: config.storage,
    use_cache: true,
    use_sliding_window: false,
    vocab_size: text.vocabSize,
    rope_scaling: { type: "mrope", mrope_section: [...text.mropeSection] },
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
