/**
 * The 3B shape once from end to end: writes a random checkpoint of Qwen2.5-VL-3B's shape (bfloat16, shards, 7.5 GB),
 * asks it about a clip, takes one LoRA step, and says what each took. The folder is removed at the end, also when it is stopped.
 *
 * Run: node scripts/large-model-trial.ts --tokenizer FOLDER --clip FILE [--folder FOLDER] [--layers N]
 *   --tokenizer  a Qwen2.5-VL folder without weights: configuration, tokenizer, chat template, processor settings
 *   --clip       a video of some seconds
 *   --folder     where the checkpoint goes; default: a new folder among the temporary files
 *   --layers     fewer language blocks, to try the script; default 36
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readJsonFile } from "../src/core/files.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { readConfig } from "../src/model/families.ts";
import { expectedTensors } from "../src/model/parameters.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { elementsOf } from "../src/weights/write-safetensors.ts";
import { framesPerSecond, question } from "./large-model-trial/prompt.ts";
import { randomTensors } from "./training-work/random-weights.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clip: { type: "string" },
    folder: { type: "string" },
    layers: { type: "string", default: "36" },
  },
});
const { tokenizer, clip } = values;
if (tokenizer === undefined || clip === undefined) {
  console.error("usage: node scripts/large-model-trial.ts --tokenizer FOLDER --clip FILE [--folder FOLDER]");
  process.exit(2);
}

/** Qwen2.5-VL-3B's sizes in the configuration of another model of the family. */
const threeBillion = (): ModelConfig => {
  const file = join(tokenizer, "config.json");
  const json = readJsonFile(file) as { vision_config: Record<string, unknown> };
  const text = {
    hidden_size: 2048,
    num_hidden_layers: Number(values.layers),
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

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

/** Runs a program in a process of its own, so that its peak memory is its own; prints what it prints. */
const run = async (file: string, ...args: string[]): Promise<void> => {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: "inherit", signal: stop.signal });
  const [status] = await once(child, "exit");
  if (status !== 0) throw new Error(`${file} ended with status ${status}`);
};

const folder = values.folder ?? mkdtempSync(join(tmpdir(), "large-model-"));
mkdirSync(folder, { recursive: true });
try {
  const config = threeBillion();
  const bytes = 2 * expectedTensors(config).reduce((total, { shape }) => total + elementsOf(shape), 0);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 1.2 * bytes)
    throw new Error(`${folder} has no room for ${(bytes / 1e9).toFixed(1)} GB`);
  const start = performance.now();
  const checkpoint = join(folder, "checkpoint");
  saveCheckpoint(checkpoint, config, randomTensors(config), { tokenizerFrom: tokenizer, shardBytes: 2e9 });
  console.log(
    `written: ${(bytes / 2e9).toFixed(2)}e9 parameters, ${(bytes / 1e9).toFixed(2)} GB in ${seconds(start)}`,
  );
  const adapter = join(folder, "adapter");
  for (const form of ["float32", "int8"]) await run("large-model-trial/generate.ts", checkpoint, clip, form);
  await run("large-model-trial/step.ts", checkpoint, clip, adapter);
  const asking = performance.now();
  const options = ["--fps", String(framesPerSecond), "--max-new-tokens", "3", "--adapter", adapter];
  await run("../bin/videoperceiver.mjs", "ask", clip, question, "--model", checkpoint, ...options);
  console.log(`ask with the adapter, 3 tokens: ${seconds(asking)} in all`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
