/** Loads a checkpoint and says how much memory that took: node load-memory-child.ts FOLDER float32|as-stored. */

import { existsSync, readFileSync } from "node:fs";
import { loadWeights, type WeightStorage } from "../../../src/engine/model-store.ts";
import { openCheckpoint } from "../../../src/model/checkpoint.ts";

/** Most memory that this program was in. `maxRSS` counts the process that started it as well, up to the start. */
const peakBytes = (): number => {
  const status = "/proc/self/status";
  if (!existsSync(status)) return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(status, "utf8"))![1]) * 1024;
};

const [folder, storage] = process.argv.slice(2) as [string, WeightStorage];
const checkpoint = await openCheckpoint(folder);
const before = process.memoryUsage();
let arrayBuffers = 0;
const sampling = setInterval(() => {
  arrayBuffers = Math.max(arrayBuffers, process.memoryUsage().arrayBuffers);
}, 1);
const weights = await loadWeights(checkpoint, "none", undefined, storage);
clearInterval(sampling);
const peak = peakBytes();
await checkpoint.close();
console.log(
  JSON.stringify({
    kept: weights.byteLength(),
    resident: peak - before.rss,
    arrayBuffers: Math.max(arrayBuffers, process.memoryUsage().arrayBuffers) - before.arrayBuffers,
  }),
);
