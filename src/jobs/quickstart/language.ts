import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SegmentTokens } from "../../batch/segments.ts";
import { writeFileAtomic } from "../../core/files.ts";
import type { Qwen25VLConfig } from "../../model/qwen2_5_vl/config.ts";
import { segmentTokensOf } from "../../model/segment-tokens.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { loadTokenizer, type Tokenizer } from "../../text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../../text/word-level-tokenizer.ts";
import { worldVocabulary } from "../../world/words.ts";

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

/** Writes the tokenizer's files (a Hugging Face folder) and opens it. */
export const makeLanguage = (folder: string): WorldLanguage => {
  mkdirSync(folder, { recursive: true });
  const words = [...worldVocabulary(), ...refeedInstruction.split(" ")];
  for (const [name, content] of Object.entries(wordLevelTokenizerJson(words)))
    writeFileAtomic(join(folder, name), `${JSON.stringify(content, null, 1)}\n`);
  const tokenizer = loadTokenizer(folder);
  return {
    folder,
    tokenizer,
    end: tokenizer.idOf("<|im_end|>"),
    tokens: segmentTokensOf(tokenizer)!,
  };
};

/** Configuration of the small model: Qwen2.5-VL's shape at the recipe's sizes. */
export const makeConfig = (
  { model }: QuickstartRecipe,
  { tokenizer, end }: WorldLanguage,
): Qwen25VLConfig => {
  const headDim = model.width / model.heads;
  const side = Math.floor(headDim / 6);
  return {
    family: "qwen2_5_vl",
    storage: "float32",
    text: {
      vocabSize: tokenizer.size,
      hiddenSize: model.width,
      intermediateSize: model.mlp,
      layers: model.layers,
      heads: model.heads,
      kvHeads: model.kvHeads,
      headDim,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
      mropeSection: [headDim / 2 - 2 * side, side, side],
      tieWordEmbeddings: true,
      maxPositionEmbeddings: 4096,
      initializerRange: 0.02,
    },
    vision: {
      depth: model.visionDepth,
      hiddenSize: model.visionWidth,
      heads: model.visionHeads,
      headDim: model.visionWidth / model.visionHeads,
      intermediateSize: model.visionMlp,
      outHiddenSize: model.width,
      inChannels: 3,
      patchSize: 14,
      temporalPatchSize: 2,
      spatialMergeSize: 2,
      windowSize: 112,
      fullAttentionBlocks: [model.visionDepth - 1],
      tokensPerSecond: 2,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
    },
    tokens: {
      image: tokenizer.idOf("<|image_pad|>"),
      video: tokenizer.idOf("<|video_pad|>"),
      visionStart: tokenizer.idOf("<|vision_start|>"),
      visionEnd: tokenizer.idOf("<|vision_end|>"),
      begin: undefined,
      endOfText: [end],
      pad: tokenizer.idOf("<|endoftext|>"),
    },
  };
};
