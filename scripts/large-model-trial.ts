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
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeThreeBillion } from "./large-model-trial/checkpoint.ts";
import { framesPerSecond, question } from "./large-model-trial/prompt.ts";

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
try {
  const checkpoint = writeThreeBillion(folder, tokenizer, Number(values.layers));
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
