/** Loads a checkpoint and says how much memory that took: node load-memory-child.ts FOLDER float32|as-stored. */

import { loadWeights, type WeightStorage } from "../../../src/engine/model-store.ts";
import { openCheckpoint } from "../../../src/model/checkpoint.ts";

const [folder, storage] = process.argv.slice(2) as [string, WeightStorage];
const checkpoint = await openCheckpoint(folder);
const before = process.memoryUsage();
let arrayBuffers = 0;
const sampling = setInterval(() => {
  arrayBuffers = Math.max(arrayBuffers, process.memoryUsage().arrayBuffers);
}, 1);
const weights = await loadWeights(checkpoint, "none", undefined, storage);
clearInterval(sampling);
const peak = process.resourceUsage().maxRSS * 1024;
await checkpoint.close();
console.log(
  JSON.stringify({
    kept: weights.byteLength(),
    resident: peak - before.rss,
    arrayBuffers: Math.max(arrayBuffers, process.memoryUsage().arrayBuffers) - before.arrayBuffers,
  }),
);
