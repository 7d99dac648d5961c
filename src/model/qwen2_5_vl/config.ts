import { ConfigError, UnsupportedError } from "../../core/errors.ts";
import { type Fields, fieldsOf } from "../config-fields.ts";

/** Number format of weights on disk. In memory everything is float32. */
export type StorageType = "float32" | "float16" | "bfloat16";

/** The language model. Sizes are counts of numbers; `headDim * heads` is the width of the attention. */
export interface TextConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Rotary pairs that turn with time, height and width; they add up to `headDim / 2`. */
  readonly mropeSection: readonly [number, number, number];
  readonly tieWordEmbeddings: boolean;
  readonly maxPositionEmbeddings: number;
  readonly initializerRange: number;
}

/** The vision tower and its merger. `windowSize` is in pixels, blocks are 0-based. */
export interface VisionConfig {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly outHiddenSize: number;
  readonly inChannels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  readonly windowSize: number;
  readonly fullAttentionBlocks: readonly number[];
  readonly tokensPerSecond: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
}

/** Ids with a meaning. `endOfText` holds every id that ends a completion; empty when the file names none. */
export interface TokenIds {
  readonly image: number;
  readonly video: number;
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly begin: number | undefined;
  readonly endOfText: readonly number[];
  readonly pad: number | undefined;
}

/** One normalised form of every `config.json` of this family. */
export interface Qwen25VLConfig {
  readonly family: "qwen2_5_vl";
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  readonly tokens: TokenIds;
  readonly storage: StorageType;
}

const storageTypes: readonly StorageType[] = ["float32", "float16", "bfloat16"];

/** The constant of the reference code (`Qwen2RMSNorm(..., eps=1e-6)` of the vision tower); no layout stores it. */
const visionNormEps = 1e-6;

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

const blocksOf = (fields: Fields, name: string): number => {
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
  text.mustBeSilu("hidden_act");
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

/**
 * What the class of the reference assumes for fields that are not there: transformers up to 4.51 does not write a
 * field of `vision_config` that has its default.
 */
const visionDefaults = {
  depth: 32,
  hidden_size: 3584,
  intermediate_size: 3420,
  num_heads: 16,
  patch_size: 14,
  spatial_merge_size: 2,
  temporal_patch_size: 2,
  tokens_per_second: 4,
  window_size: 112,
  out_hidden_size: 3584,
  fullatt_block_indexes: [7, 15, 23, 31],
};

const readVision = (stored: Fields, textHiddenSize: number): VisionConfig => {
  const vision = stored.orElse(fieldsOf(visionDefaults, stored.where));
  const hiddenSize = vision.count("hidden_size");
  const heads = vision.count("num_heads");
  if (hiddenSize % heads !== 0 || (hiddenSize / heads) % 4 !== 0)
    throw vision.wrong("hidden_size", `a multiple of four times num_heads ${heads}`);
  const outHiddenSize = vision.count("out_hidden_size");
  if (outHiddenSize !== textHiddenSize)
    throw vision.wrong("out_hidden_size", `${textHiddenSize}, the language model's hidden_size`);
  const depth = blocksOf(vision, "depth");
  const fullAttentionBlocks = vision.integers("fullatt_block_indexes");
  if (fullAttentionBlocks.some((block) => block >= depth))
    throw vision.wrong("fullatt_block_indexes", `blocks below depth ${depth}`);
  vision.mustBeSilu("hidden_act");
  const channels = ["in_channels", "in_chans"].filter((name) => vision.has(name));
  const [inChannels = 3, otherName = inChannels] = channels.map((name) => vision.count(name));
  if (inChannels !== otherName)
    throw vision.wrong("in_chans", `the same number as in_channels ${inChannels}`);
  const patchSize = vision.count("patch_size");
  const spatialMergeSize = vision.count("spatial_merge_size");
  const windowSize = vision.count("window_size");
  if (windowSize < patchSize * spatialMergeSize)
    throw vision.wrong("window_size", `at least one merged patch, ${patchSize * spatialMergeSize} pixels`);
  const rope = vision.has("rope_parameters") ? vision.nested("rope_parameters") : undefined;
  return {
    depth,
    hiddenSize,
    heads,
    headDim: hiddenSize / heads,
    intermediateSize: vision.count("intermediate_size"),
    outHiddenSize,
    inChannels,
    patchSize,
    temporalPatchSize: vision.count("temporal_patch_size"),
    spatialMergeSize,
    windowSize,
    fullAttentionBlocks,
    tokensPerSecond: vision.positive("tokens_per_second"),
    rmsNormEps: visionNormEps,
    ropeTheta: rope?.has("rope_theta") ? rope.positive("rope_theta") : 10_000,
  };
};

/**
 * Reads a parsed `config.json` in any of the three layouts in circulation: flat (hub, transformers 4.49), flat plus
 * `text_config` (4.5x), nested only (5.x).
 *
 * @param where file name for error messages
 * @throws {ConfigError} for another family, a missing or ill-typed field, or sizes that do not fit together
 * @throws {UnsupportedError} for scaled rotary positions or sliding windows
 */
export const readConfig = (json: unknown, where: string): Qwen25VLConfig => {
  const root = fieldsOf(json, where);
  const family = root.text("model_type");
  if (family !== "qwen2_5_vl")
    throw new ConfigError("a checkpoint of another family", {
      where,
      expected: 'model_type "qwen2_5_vl"',
      got: family === undefined ? "none" : JSON.stringify(family),
      hint: "choose a Qwen2.5-VL checkpoint, or one that was trained here",
    });
  const text = root.has("text_config") ? root.nested("text_config").orElse(root) : root;
  // 4.57 writes it inside text_config only; 5.x ties when either place says so.
  const tied = root.flag("tie_word_embeddings", false) || text.flag("tie_word_embeddings", false);
  const textConfig = readText(text, tied);
  const id = (name: string): number => {
    const value = root.index(name);
    if (value >= textConfig.vocabSize)
      throw root.wrong(name, `an id below vocab_size ${textConfig.vocabSize}`);
    return value;
  };
  return {
    family: "qwen2_5_vl",
    text: textConfig,
    vision: readVision(root.nested("vision_config"), textConfig.hiddenSize),
    tokens: {
      image: id("image_token_id"),
      video: id("video_token_id"),
      visionStart: id("vision_start_token_id"),
      visionEnd: id("vision_end_token_id"),
      begin: text.has("bos_token_id") ? text.index("bos_token_id") : undefined,
      endOfText: text.has("eos_token_id") ? text.integers("eos_token_id") : [],
      pad: text.has("pad_token_id") ? text.index("pad_token_id") : undefined,
    },
    storage: readStorage(root, text),
  };
};
