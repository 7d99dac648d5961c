/** Part of `large-model-trial.ts`: node step.ts CHECKPOINT CLIP ADAPTER. One LoRA step on a clip and an answer. */

import { availableParallelism } from "node:os";
import { idsBatch } from "../../src/batch/ids-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openEmbedded } from "../../src/engine/onnx/open.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import type { Objective } from "../../src/graph/objective.ts";
import { negate } from "../../src/graph/ops/elementwise.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { readConfigFile } from "../../src/model/families.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { clipPrompt, peakMemory, timed } from "./prompt.ts";

const [folder, clip, target] = process.argv.slice(2) as [string, string, string];
const targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const shape = { targets, rank: 8, alpha: 16 };
const adapter = newAdapter(adaptedModel(await readConfigFile(folder)), shape, seededRandom("adapter"));
const options = { threads: availableParallelism() };
const [{ config, weights, engine, execution, weightStorage }, load] = await timed(() =>
  openEmbedded(folder, "adapter", options, adapter),
);
await using _ = engine;
console.log(
  `opened in ${load.toFixed(1)} s (${execution}, weights ${weightStorage}): ${(weights.byteLength() / 1e9).toFixed(2)} GB of weights, gradients and moments; peak ${peakMemory()}`,
);

const prompt = await clipPrompt(folder, config, clip);
const whole = await clipPrompt(folder, config, clip, "Two people arm wrestle at a table.");
const scoredRows = Array.from(
  { length: whole.inputIds.length - prompt.inputIds.length },
  (_, i) => prompt.inputIds.length - 1 + i,
);
const batch = idsBatch(whole.ids, batchRules(config), {
  scoredRows,
  targets: scoredRows.map((row) => whole.inputIds[row + 1]!),
});
const objective: Objective = {
  key: "cross-entropy",
  states: [],
  feeds: {},
  additive: false,
  build: ({ tokenLogprobs }) => ({
    loss: negate(mean(tokenLogprobs)),
    metrics: {},
  }),
};
const update = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 1,
};
const [{ loss, norm }, step] = await timed(async () => {
  const { loss } = await takeStep(engine, [batch], objective, {});
  return { loss, norm: (await engine.update(update)).norm };
});
console.log(
  `LoRA step: ${whole.inputIds.length} positions, ${scoredRows.length} scored, ${engine.capabilities.trainable.length} trained matrices: ` +
    `loss ${loss.toFixed(4)}, gradient ${norm.toFixed(3)}, ${step.toFixed(1)} s, peak ${peakMemory()}`,
);
await engine.save(target);
console.log("adapter saved");
