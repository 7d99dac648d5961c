/** A small random checkpoint as the hub has them: no segment ends, a chat template, a processor that keeps sizes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../src/core/random.ts";
import { emptyStore } from "../src/engine/model-store.ts";
import { initialize } from "../src/model/initialize.ts";
import { writePictureSettings } from "../src/model/picture-settings.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../src/text/word-level-tokenizer.ts";
import { smallConfig } from "./unit/model/small-config.ts";

/**
 * Writes such a checkpoint into `folder`/name.
 * @param change fields of the configuration
 */
export const hubModel = (
  folder: string,
  name: string,
  words: readonly string[],
  change: Readonly<Record<string, unknown>> = {},
): string => {
  const files = join(folder, `${name} files`);
  mkdirSync(files);
  for (const [file, content] of Object.entries(wordLevelTokenizerJson(words, [])))
    writeFileSync(join(files, file), JSON.stringify(content));
  writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 2 });
  for (const file of ["preprocessor_config.json", "video_preprocessor_config.json"]) {
    const place = join(files, file);
    const settings = JSON.parse(readFileSync(place, "utf8")) as Record<string, unknown>;
    writeFileSync(place, JSON.stringify({ ...settings, min_pixels: 784, max_pixels: 1e6 }));
  }
  const tokenizer = loadTokenizer(files);
  const config = smallConfig({
    vocab_size: tokenizer.size,
    image_token_id: tokenizer.idOf("<|image_pad|>"),
    video_token_id: tokenizer.idOf("<|video_pad|>"),
    vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
    vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
    eos_token_id: [tokenizer.idOf("<|im_end|>")],
    ...change,
  });
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom(name), 1);
  const out = join(folder, name);
  saveCheckpoint(out, config, [...store.tensors()], { dtype: "float32", tokenizerFrom: files });
  return out;
};
