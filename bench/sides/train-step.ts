// Our side of train-step-*: node train-step.ts <folder> <shape> <threads> all|adapter

import { idsBatch } from "../../src/batch/ids-batch.ts";
import { ModelWeights } from "../../src/engine/model-weights.ts";
import { wholeGraphEngine } from "../../src/engine/onnx/open.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import type { Objective } from "../../src/graph/objective.ts";
import { negate } from "../../src/graph/ops/elementwise.ts";
import { mean } from "../../src/graph/ops/reduce.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { answerRounds } from "../answer-rounds.ts";
import { openShape } from "./shape-files.ts";
import { benchUpdate, type ShapeName } from "./shapes.ts";

const [folder, name, threads, trained] = process.argv.slice(2) as [
  string,
  ShapeName,
  string,
  "all" | "adapter",
];
const { config, store, adapter, ids, supervisedFrom } = await openShape(folder, name, trained);
const scoredRows: number[] = [];
const targets: number[] = [];
for (let row = 0; row < ids.rows; row++)
  for (let column = supervisedFrom; column + 1 < ids.columns; column++) {
    scoredRows.push(row * ids.columns + column);
    targets.push(ids.ids_BT[row * ids.columns + column + 1]!);
  }
const batch = idsBatch(ids, batchRules(config), { scoredRows, targets });
const objective: Objective = {
  key: "mean",
  states: [],
  feeds: {},
  additive: false,
  build: ({ tokenLogprobs }) => ({
    loss: negate(mean(tokenLogprobs)),
    metrics: {},
  }),
};
const model = { config, weights: new ModelWeights(store), adapter };
const engine = wholeGraphEngine(model, { threads: Number(threads) });
let first: readonly number[] | undefined;
await answerRounds(async () => {
  const start = performance.now();
  await engine.clearGradient();
  const { loss } = await takeStep(engine, [batch], objective, {});
  const { norm } = await engine.update(benchUpdate);
  const value = performance.now() - start;
  first ??= [
    loss,
    norm,
    ...[...store.tensors("gradient")]
      .map(({ name: tensor, data }) => [tensor, Math.hypot(...chunkNorms(data))] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, length]) => length),
  ];
  return { value, result: first };
});
await engine[Symbol.asyncDispose]();

/** Norms of pieces, so that `Math.hypot` gets few arguments. */
function chunkNorms(data: Float32Array): number[] {
  const norms: number[] = [];
  for (let at = 0; at < data.length; at += 4096) {
    let total = 0;
    for (const x of data.subarray(at, at + 4096)) total += x * x;
    norms.push(Math.sqrt(total));
  }
  return norms;
}
