/** Part of `large-model-trial.ts`: node generate.ts CHECKPOINT CLIP float32|int8. Prefill, and seconds a new token. */
import { availableParallelism } from "node:os";
import { seededRandom } from "../../src/core/random.ts";
import { openEngine } from "../../src/engine/onnx/open.ts";
import { idsBatch } from "../../src/model/qwen2_5_vl/ids-batch.ts";
import { clipPrompt, peakMemory, timed } from "./prompt.ts";

const [folder, clip, form] = process.argv.slice(2) as [string, string, "float32" | "int8"];
const options = { threads: availableParallelism(), decodeWeights: form };
const [{ config, engine, weights, execution, weightStorage }, load] = await timed(() =>
  openEngine(folder, "none", options),
);
await using _ = engine;
console.log(
  `opened in ${load.toFixed(1)} s (${execution}, weights ${weightStorage}): ${(weights.byteLength() / 1e9).toFixed(2)} GB of weights; peak ${peakMemory()}`,
);
const { ids, next, pictures } = await clipPrompt(folder, config, clip);
const batch = idsBatch(ids, config, { scoredRows: [ids.columns - 1], targets: [0] });
const [, prefill] = await timed(() => engine.forward(batch, { logits: true }));
const newTokens = form === "int8" ? 17 : 5;
const draw = (): Promise<[unknown, number]> =>
  timed(() =>
    engine.sample({
      batch,
      lengths: [ids.columns],
      nextPositions: [next],
      completions: 1,
      maxNewTokens: newTokens,
      temperature: 0,
      stopTokens: [],
      random: seededRandom("trial"),
    }),
  );
const [, first] = await draw();
const [, second] = form === "int8" ? await draw() : [undefined, first];
const packing = form === "int8" ? `, packed in ${(first - second).toFixed(1)} s` : "";
console.log(
  `matrices of decoding ${form}${packing}: ${pictures.frames.length} frames of ${pictures.width} x ${pictures.height}, ${ids.columns} positions: ` +
    `prefill ${prefill.toFixed(1)} s, then ${((second - prefill) / (newTokens - 1)).toFixed(2)} s a token; peak ${peakMemory()}`,
);
