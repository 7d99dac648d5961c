/** Part of `large-model-trial.ts`: node step.ts CHECKPOINT CLIP ADAPTER. One LoRA step on a clip and an answer. */
import { availableParallelism } from "node:os";
import { encodePrompt, processorLook } from "../../src/cli/ask/processor-prompt.ts";
import { seededRandom } from "../../src/core/random.ts";
import { trainedAdapter } from "../../src/engine/lora.ts";
import { openEngine } from "../../src/engine/onnx/open.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { negate } from "../../src/graph/ops/elementwise.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { readConfigFile } from "../../src/model/qwen2_5_vl/checkpoint.ts";
import { idsBatch } from "../../src/model/qwen2_5_vl/ids-batch.ts";
import { newAdapter } from "../../src/model/qwen2_5_vl/new-adapter.ts";
import { loadProcessor } from "../../src/model/qwen2_5_vl/processor.ts";
import { resizeAntialias } from "../../src/model/qwen2_5_vl/resize-antialias.ts";
import { writeAdapter } from "../../src/model/qwen2_5_vl/write-adapter.ts";
import { clipPictures, peakMemory } from "./clip-pictures.ts";

const [folder, clip, target] = process.argv.slice(2) as [string, string, string];
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const opening = performance.now();
const targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const shape = { targets, rank: 8, alpha: 16 };
const adapter = newAdapter(readConfigFile(folder), shape, seededRandom("adapter"));
const options = { threads: availableParallelism() };
const { config, weights, engine, execution, weightStorage } = await openEngine(
  folder,
  "adapter",
  options,
  adapter,
);
await using _ = engine;
console.log(
  `opened in ${seconds(opening)} (${execution}, weights ${weightStorage}): ${(weights.byteLength() / 1e9).toFixed(2)} GB of weights, gradients and moments; peak ${peakMemory()}`,
);

const processor = loadProcessor(folder, resizeAntialias);
const pictures = await clipPictures(clip, {
  look: (info, fps) => processorLook(processor, info, fps),
  resize: (batch, at, { width, height }) =>
    resizeAntialias(pixelsOf(batch, at), batch.width, batch.height, width, height),
});
const question = "What happens in this clip?";
const prompt = encodePrompt(processor, config, pictures, question);
const whole = encodePrompt(processor, config, pictures, question, "Two people arm wrestle at a table.");
const scoredRows = Array.from(
  { length: whole.inputIds.length - prompt.inputIds.length },
  (_, i) => prompt.inputIds.length - 1 + i,
);
const batch = idsBatch(whole.ids, config, {
  scoredRows,
  targets: scoredRows.map((row) => whole.inputIds[row + 1]!),
});
const objective = {
  key: "cross-entropy",
  build: ({ tokenLogprobs }: Parameters<Parameters<typeof engine.step>[1]["build"]>[0]) => ({
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
for (const name of ["first", "second"]) {
  const stepping = performance.now();
  const { loss } = await engine.step(batch, objective, {});
  const norm = await engine.update(update);
  console.log(
    `${name} step: ${whole.inputIds.length} positions, ${scoredRows.length} scored, ${engine.trainable.length} trained matrices: loss ${loss.toFixed(4)}, gradient ${norm.toFixed(3)}, ${seconds(stepping)}, peak ${peakMemory()}`,
  );
}
writeAdapter(target, trainedAdapter(weights.store, adapter), config);
console.log("adapter saved");
