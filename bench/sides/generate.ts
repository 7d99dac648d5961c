// Our side of prefill-* and generate-*:
// node generate.ts <folder> <shape> <threads> prefill
// node generate.ts <folder> <shape> <threads> generate <completions> <new tokens> [int8]

import { idsBatch } from "../../src/batch/ids-batch.ts";
import { ModelWeights } from "../../src/engine/model-weights.ts";
import { wholeGraphEngine } from "../../src/engine/onnx/open.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { answerRounds } from "../answer-rounds.ts";
import { openShape } from "./shape-files.ts";
import type { ShapeName } from "./shapes.ts";

const [folder, name, threads, task, completions, newTokens, quantized] = process.argv.slice(2) as [
  string,
  ShapeName,
  string,
  "prefill" | "generate",
  string | undefined,
  string | undefined,
  string | undefined,
];
const isPrefill = task === "prefill";
const { config, store, ids, nextPositions } = await openShape(
  folder,
  name,
  "none",
  isPrefill ? {} : { clips: 1 },
);
const scoredRows = Array.from({ length: ids.rows }, (_, row) => (row + 1) * ids.columns - 1);
const batch = idsBatch(ids, batchRules(config), { scoredRows, targets: scoredRows.map(() => 0) });
const model = { config, weights: new ModelWeights(store), adapter: undefined };
const engine = wholeGraphEngine(model, {
  threads: Number(threads),
  ...(quantized === "int8" ? { decodeWeights: "int8" as const } : {}),
});
await answerRounds(async () => {
  const start = performance.now();
  const drawn = await engine.sample({
    batch,
    nextPositions,
    completions: isPrefill ? 1 : Number(completions),
    maxNewTokens: isPrefill ? 1 : Number(newTokens),
    temperature: 0,
    stopTokens: [],
    seed: "bench",
  });
  const milliseconds = performance.now() - start;
  const tokens = drawn.flatMap((row) => row.flatMap((completion) => completion.tokens));
  return { value: isPrefill ? milliseconds : (tokens.length / milliseconds) * 1000, result: tokens };
});
await engine[Symbol.asyncDispose]();
