/**
 * Nanoseconds of processor time a number that widening a large model's 16-bit matrices takes, pass by pass over all of
 * them: it must not rise from one pass to a later one, as it did when V8 compiled the loop badly inside its caller.
 *
 * Run: node scripts/widening-rate.ts [--blocks 36] [--passes 6]
 *   --blocks  of Qwen2.5-VL-3B's shape, 154 MB each
 */
import { parseArgs } from "node:util";
import { ModelWeights } from "../src/engine/model-weights.ts";
import { WeightTensors } from "../src/engine/onnx/layerwise/weight-tensors.ts";
import { ParameterStore } from "../src/engine/parameter-store.ts";

const { values } = parseArgs({
  options: { blocks: { type: "string", default: "36" }, passes: { type: "string", default: "6" } },
});
const [hidden, keys, inside] = [2048, 256, 11008];
const shapes: Readonly<Record<string, readonly number[]>> = {
  q: [hidden, hidden],
  k: [keys, hidden],
  v: [keys, hidden],
  o: [hidden, hidden],
  gate: [inside, hidden],
  up: [inside, hidden],
  down: [hidden, inside],
};
const blocks = Array.from({ length: Number(values.blocks) }, (_, block) => block);
const halves = blocks.flatMap((block) =>
  Object.entries(shapes).map(([name, shape]) => ({
    name: `${block}.${name}`,
    shape,
    part: "language" as const,
    parts: [],
    stored: { type: "BF16" as const, bits: new Uint16Array(shape[0]! * shape[1]!).fill(0x3f80 + block) },
  })),
);
const tensors = new WeightTensors(new ModelWeights(new ParameterStore([], () => false), halves));
const count = halves.reduce((sum, { stored }) => sum + stored.bits.length, 0);
for (let pass = 1; pass <= Number(values.passes); pass++) {
  const before = process.cpuUsage();
  for (const block of blocks) {
    for (const name of Object.keys(shapes)) tensors.get(name, `${block}.${name}`);
    // As between two blocks of a pass.
    await new Promise((done) => setImmediate(done));
  }
  const { user, system } = process.cpuUsage(before);
  console.log(`pass ${pass}: ${(((user + system) * 1e3) / count).toFixed(2)} ns a number`);
}
