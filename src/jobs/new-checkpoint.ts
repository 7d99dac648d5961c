import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../core/files.ts";
import { seededRandom } from "../core/random.ts";
import { emptyStore } from "../engine/model-store.ts";
import type { ModelConfig } from "../model/config.ts";
import { readAnyConfig } from "../model/families.ts";
import { initialize } from "../model/initialize.ts";
import { saveCheckpoint } from "../model/save-checkpoint.ts";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../text/word-level-tokenizer.ts";

/**
 * Writes a checkpoint with new weights: a model that has learnt nothing.
 *
 * @param json `config.json` as the hub has it, of any family, those added from outside too
 * @param tokenizerFrom folder whose tokenizer files go with it
 * @throws {ConfigError} for a configuration of no family, or sizes that do not fit together
 */
export const newCheckpoint = async (
  folder: string,
  json: unknown,
  seed: number,
  tokenizerFrom: string,
): Promise<ModelConfig> => {
  const config = await readAnyConfig(json, "the configuration of the new checkpoint");
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom(seed, "weights"));
  saveCheckpoint(folder, config, store.tensors(), { dtype: "float32", tokenizerFrom });
  return config;
};

/** Writes a tokenizer whose tokens are words, with Qwen2.5-VL's special tokens, and opens it. */
export const newTokenizer = (folder: string, words: readonly string[]): Tokenizer => {
  makeFolder(folder);
  for (const [name, content] of Object.entries(wordLevelTokenizerJson(words)))
    writeFileAtomic(join(folder, name), `${JSON.stringify(content, null, 1)}\n`);
  return loadTokenizer(folder);
};
