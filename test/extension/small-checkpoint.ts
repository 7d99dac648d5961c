/** A clip of noise and a checkpoint of Qwen2-VL with random weights, small enough to be opened in a second. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { emptyStore } from "../../src/engine/model-store.ts";
import type { ParameterStore } from "../../src/engine/parameter-store.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readConfig } from "../../src/model/families.ts";
import { initialize } from "../../src/model/initialize.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { tokenizerFrom } from "../../src/text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../../src/text/word-level-tokenizer.ts";
import { openVideoService } from "../../src/video/service.ts";
import { tokenFields } from "../random-checkpoint.ts";
import { flatConfig } from "../unit/model/small-config.ts";

/** Writes a clip of noise. */
export const writeNoiseClip = async (file: string): Promise<void> => {
  const [width, height, count] = [64, 48, 12];
  const random = seededRandom("clip");
  const pixels = Uint8Array.from({ length: count * width * height * 3 }, () => random.integer(256));
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / 6),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(file, { width, height, frames: [{ pixels, width, height, frames }] });
};

const files = wordLevelTokenizerJson("what happens ? red blue green flash one two .".split(" "), []);

/** What {@link writeSmallCheckpoint} wrote. */
export interface SmallCheckpoint {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly store: ParameterStore;
  /** Folder of its tokenizer and processor. */
  readonly tokenizerFrom: string;
}

/** Writes a checkpoint whose norms are not 1 into `folder`, its tokenizer and processor beside it. */
export const writeSmallCheckpoint = (folder: string): SmallCheckpoint => {
  const from = `${folder} files`;
  mkdirSync(from, { recursive: true });
  const limits = { min_pixels: 3136, max_pixels: 6272 };
  const pictures = { patch_size: 14, temporal_patch_size: 2, merge_size: 2, ...limits };
  const colours = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  const contents = { ...files, "preprocessor_config.json": { ...pictures, ...colours } };
  for (const [name, content] of Object.entries(contents))
    writeFileSync(join(from, name), JSON.stringify(content));
  const tokenizer = tokenizerFrom(files["tokenizer.json"], files["tokenizer_config.json"], "world");
  const config = readConfig(
    flatConfig({
      model_type: "qwen2_vl",
      ...tokenFields(tokenizer),
      vision_config: { depth: 2, embed_dim: 16, hidden_size: 32, mlp_ratio: 2, num_heads: 2 },
    }),
    "base",
  );
  const store = emptyStore(config, "none");
  const random = seededRandom("norms");
  initialize(store.all(), seededRandom("weights"), 1);
  for (const { name, value } of store.all())
    if (name.endsWith("norm.weight")) for (let i = 0; i < value.length; i++) value[i]! += random.normal();
  saveCheckpoint(folder, config, store.tensors(), { dtype: "float32", tokenizerFrom: from });
  return { folder, config, store, tokenizerFrom: from };
};
