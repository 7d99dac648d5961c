import { UnsupportedError } from "../core/errors.ts";
import type { StorageType } from "../weights/write-safetensors.ts";
import type { ModelConfig, TextConfig, VisionSizes } from "./config.ts";
import type { Fields } from "./config-fields.ts";

const storageTypes: readonly StorageType[] = ["float32", "float16", "bfloat16"];

const readStorage = (root: Fields, text: Fields): StorageType => {
  const name =
    root.text("dtype") ??
    root.text("torch_dtype") ??
    text.text("dtype") ??
    text.text("torch_dtype") ??
    "float32";
  if (!storageTypes.includes(name as StorageType))
    throw root.wrong("dtype", storageTypes.join(" | "), JSON.stringify(name));
  return name as StorageType;
};

/** Far above any model; keeps the list of a damaged file's parameters within bounds. */
const mostBlocks = 10_000;

/** A number of blocks. @throws {ConfigError} when it is none, or absurd */
export const blocksOf = (fields: Fields, name: string): number => {
  const blocks = fields.count(name);
  if (blocks > mostBlocks) throw fields.wrong(name, `at most ${mostBlocks} blocks`, String(blocks));
  return blocks;
};

const readRope = (text: Fields): Pick<TextConfig, "ropeTheta" | "mropeSection"> => {
  const rope = text.has("rope_parameters") ? text.nested("rope_parameters") : text.nested("rope_scaling");
  const type = rope.text("rope_type") ?? rope.text("type");
  if (type !== "mrope" && type !== "default")
    throw new UnsupportedError("rotary positions of this kind", {
      where: rope.where,
      expected: 'type "mrope" or "default"',
      got: JSON.stringify(type),
      hint: "remove the scaling if the checkpoint was not trained with it",
    });
  const [time, height, width, ...more] = rope.integers("mrope_section");
  if (time === undefined || height === undefined || width === undefined || more.length > 0)
    throw rope.wrong("mrope_section", "three integers");
  return {
    ropeTheta: (rope.has("rope_theta") ? rope : text).positive("rope_theta"),
    mropeSection: [time, height, width],
  };
};

const readText = (text: Fields, tied: boolean): TextConfig => {
  const hiddenSize = text.count("hidden_size");
  const heads = text.count("num_attention_heads");
  const kvHeads = text.count("num_key_value_heads");
  if (hiddenSize % heads !== 0) throw text.wrong("hidden_size", `a multiple of num_attention_heads ${heads}`);
  if (heads % kvHeads !== 0)
    throw text.wrong("num_attention_heads", `a multiple of num_key_value_heads ${kvHeads}`);
  const headDim = hiddenSize / heads;
  if (headDim % 2 !== 0) throw text.wrong("hidden_size", "an even number for each attention head");
  const rope = readRope(text);
  if (rope.mropeSection.reduce((sum, part) => sum + part, 0) !== headDim / 2)
    throw text.wrong(
      "mrope_section",
      `parts that add up to ${headDim / 2}, half of a head`,
      JSON.stringify(rope.mropeSection),
    );
  text.mustUse("hidden_act", "silu");
  if (text.flag("use_sliding_window", false))
    throw new UnsupportedError("sliding window attention", { where: text.where });
  return {
    vocabSize: text.count("vocab_size"),
    hiddenSize,
    intermediateSize: text.count("intermediate_size"),
    layers: blocksOf(text, "num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    rmsNormEps: text.positive("rms_norm_eps"),
    ...rope,
    tieWordEmbeddings: tied,
    maxPositionEmbeddings: text.count("max_position_embeddings"),
    initializerRange: text.has("initializer_range") ? text.positive("initializer_range") : 0.02,
  };
};

/** Channels of a picture; transformers 5.x writes both names. */
export const channelsOf = (vision: Fields): number => {
  const names = ["in_channels", "in_chans"].filter((name) => vision.has(name));
  const [channels = 3, other = channels] = names.map((name) => vision.count(name));
  if (channels !== other) throw vision.wrong("in_chans", `the same number as in_channels ${channels}`);
  return channels;
};

/**
 * The fields that Qwen2-VL and Qwen2.5-VL share, in any of the three layouts in circulation: flat (hub, transformers
 * 4.49), flat plus `text_config` (4.5x), nested only (5.x).
 *
 * @throws {ConfigError} for a missing or ill-typed field, or sizes that do not fit together
 * @throws {UnsupportedError} for scaled rotary positions or sliding windows
 */
export const readQwenConfig = <Family extends string, Vision extends VisionSizes>(
  root: Fields,
  family: Family,
  readVision: (stored: Fields, text: TextConfig) => Vision,
): ModelConfig & { readonly family: Family; readonly vision: Vision } => {
  const text = root.has("text_config") ? root.nested("text_config").orElse(root) : root;
  // 4.57 writes it inside text_config only; 5.x ties when either place says so.
  const tied = root.flag("tie_word_embeddings", false) || text.flag("tie_word_embeddings", false);
  const textConfig = readText(text, tied);
  // As `GenerationConfig.from_model_config` of transformers: the outer one comes first.
  const ends = root.has("eos_token_id") ? root : text;
  const id = (name: string): number => {
    const value = root.index(name);
    if (value >= textConfig.vocabSize)
      throw root.wrong(name, `an id below vocab_size ${textConfig.vocabSize}`);
    return value;
  };
  return {
    family,
    text: textConfig,
    vision: readVision(root.nested("vision_config"), textConfig),
    tokens: {
      image: id("image_token_id"),
      video: id("video_token_id"),
      visionStart: id("vision_start_token_id"),
      visionEnd: id("vision_end_token_id"),
      begin: text.has("bos_token_id") ? text.index("bos_token_id") : undefined,
      endOfText: ends.has("eos_token_id") ? ends.integers("eos_token_id") : [],
      pad: text.has("pad_token_id") ? text.index("pad_token_id") : undefined,
    },
    storage: readStorage(root, text),
  };
};

/** The constant of the reference code (`eps=1e-6` of the vision tower's norms); no layout stores it. */
export const towerNormEps = 1e-6;

/** What both classes of the reference assume for fields of `vision_config` that are not there. */
export const towerDefaults = {
  depth: 32,
  hidden_size: 3584,
  num_heads: 16,
  patch_size: 14,
  spatial_merge_size: 2,
  temporal_patch_size: 2,
} as const;

/** Base of the tower's rotary angles: 10,000 unless the file says otherwise. */
export const towerTheta = (vision: Fields): number => {
  const rope = vision.has("rope_parameters") ? vision.nested("rope_parameters") : undefined;
  return rope?.has("rope_theta") ? rope.positive("rope_theta") : 10_000;
};

/**
 * The shared fields in the hub's flat layout, with what transformers 5.x needs beside it (`dtype`); transformers 4.49
 * ignores those. `vision_token_id` and other unused fields are not written.
 */
export const writeQwenConfig = (config: ModelConfig, architecture: string): Record<string, unknown> => {
  const { text, tokens } = config;
  const ends = tokens.endOfText.length === 1 ? tokens.endOfText[0] : [...tokens.endOfText];
  return {
    architectures: [architecture],
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
    model_type: config.family,
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
  };
};
