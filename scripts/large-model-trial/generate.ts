/** Part of `large-model-trial.ts`: node generate.ts CHECKPOINT CLIP float32|int8. Prefill, and seconds a new token. */
import { availableParallelism } from "node:os";
import { idsBatch } from "../../src/batch/ids-batch.ts";
import { openEmbedded } from "../../src/engine/onnx/open.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { clipPrompt, peakMemory, timed } from "./prompt.ts";

const [folder, clip, form] = process.argv.slice(2) as [string, string, "float32" | "int8"];
const options = { threads: availableParallelism(), decodeWeights: form };
const [{ config, engine, weights, execution, weightStorage }, load] = await timed(() =>
  openEmbedded(folder, "none", options),
);
await using _ = engine;
console.log(
  `opened in ${load.toFixed(1)} s (${execution}, weights ${weightStorage}): ${(weights.byteLength() / 1e9).toFixed(2)} GB of weights; peak ${peakMemory()}`,
);
const { ids, next, pictures } = await clipPrompt(folder, config, clip);
const batch = idsBatch(ids, batchRules(config), { scoredRows: [ids.columns - 1], targets: [0] });
const newTokens = 9;
const moments: number[] = [];
const start = performance.now();
const request = {
  batch,
  nextPositions: [next],
  completions: 1,
  maxNewTokens: newTokens,
  temperature: 0,
  stopTokens: [],
  seed: "trial",
};
await engine.sample(request, {
  // Called after every token.
  watch: () => {
    moments.push(performance.now());
    return false;
  },
});
const gaps = moments.slice(1).map((at, i) => (at - moments[i]!) / 1000);
const token = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)]!;
const packing = form === "int8" ? `packed in ${(gaps[0]! - token).toFixed(1)} s, ` : "";
console.log(
  `matrices of decoding ${form}: ${pictures.frames.length} frames of ${pictures.width} x ${pictures.height}, ${ids.columns} positions: ` +
    `first token after ${((moments[0]! - start) / 1000).toFixed(1)} s, ${packing}then ${token.toFixed(2)} s a token (median); peak ${peakMemory()}`,
);
