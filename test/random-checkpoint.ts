/** Small checkpoints with random weights, as several tests need them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../src/core/random.ts";
import { emptyStore } from "../src/engine/model-store.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { initialize } from "../src/model/initialize.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import type { Tokenizer } from "../src/text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../src/text/word-level-tokenizer.ts";

/** The fields of a configuration that a tokenizer decides. */
export const tokenFields = (tokenizer: Tokenizer): Record<string, unknown> => ({
  vocab_size: tokenizer.size,
  image_token_id: tokenizer.idOf("<|image_pad|>"),
  video_token_id: tokenizer.idOf("<|video_pad|>"),
  vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
  vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
  eos_token_id: [tokenizer.idOf("<|im_end|>")],
});

/** Writes a tokenizer of whole words into a folder; with segment ends it is one of ours, else one of the hub. */
export const writeWordTokenizer = (
  files: string,
  words: readonly string[],
  segmentEnds: readonly string[],
): void => {
  mkdirSync(files, { recursive: true });
  for (const [file, content] of Object.entries(wordLevelTokenizerJson(words, segmentEnds)))
    writeFileSync(join(files, file), JSON.stringify(content));
};

/** Writes random weights of a configuration as a checkpoint, with the files of its tokenizer. */
export const writeRandomCheckpoint = (
  out: string,
  files: string,
  config: ModelConfig,
  seed: string,
): void => {
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom(seed), 1);
  saveCheckpoint(out, config, [...store.tensors()], { dtype: "float32", tokenizerFrom: files });
};
