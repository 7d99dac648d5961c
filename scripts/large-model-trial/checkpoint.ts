import { statfsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, readJsonFile } from "../../src/core/files.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readConfig } from "../../src/model/families.ts";
import { expectedTensors } from "../../src/model/parameters.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { elementsOf } from "../../src/weights/write-safetensors.ts";
import { randomTensors } from "../training-work/random-weights.ts";

/** Qwen2.5-VL-3B's sizes in the configuration of another model of the family. */
const threeBillion = (tokenizer: string, layers: number): ModelConfig => {
  const file = join(tokenizer, "config.json");
  const json = readJsonFile(file) as { vision_config: Record<string, unknown> };
  const text = {
    hidden_size: 2048,
    num_hidden_layers: layers,
    num_attention_heads: 16,
    num_key_value_heads: 2,
    intermediate_size: 11_008,
    vocab_size: 151_936,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
  };
  return readConfig(
    { ...json, ...text, vision_config: { ...json.vision_config, out_hidden_size: 2048 } },
    file,
  );
};

/** Writes random weights of the 3B shape into a folder, in bfloat16 and shards, and says so. @returns the checkpoint */
export const writeThreeBillion = (folder: string, tokenizer: string, layers: number): string => {
  makeFolder(folder);
  const config = threeBillion(tokenizer, layers);
  const bytes = 2 * expectedTensors(config).reduce((total, { shape }) => total + elementsOf(shape), 0);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 1.2 * bytes)
    throw new Error(`${folder} has no room for ${(bytes / 1e9).toFixed(1)} GB`);
  const start = performance.now();
  const checkpoint = join(folder, "checkpoint");
  saveCheckpoint(checkpoint, config, randomTensors(config), { tokenizerFrom: tokenizer, shardBytes: 2e9 });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `written: ${(bytes / 2e9).toFixed(2)}e9 parameters, ${(bytes / 1e9).toFixed(2)} GB in ${seconds} s`,
  );
  return checkpoint;
};
