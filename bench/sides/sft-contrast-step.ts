// Our side of sft-contrast-step-*: node sft-contrast-step.ts <folder> <shape> <threads>

import type { ClipSegments } from "../../src/batch/segments.ts";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import { ModelWeights } from "../../src/engine/model-weights.ts";
import { wholeGraphEngine } from "../../src/engine/onnx/open.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";
import { answerRounds } from "../answer-rounds.ts";
import { openShape } from "./shape-files.ts";
import { benchShapes, benchUpdate, contrastWork, type ShapeName } from "./shapes.ts";

const [folder, name, threads] = process.argv.slice(2) as [string, ShapeName, string];
const { config, store } = await openShape(folder, name, "all");
const { clips, grid, before, behind } = benchShapes[name];
const [steps, rows, columns] = grid;
const { block, dropout, keywords } = contrastWork;
const random = seededRandom("bench", "contrast");
const bytes = rows * columns * config.vision.temporalPatchSize * 3 * config.vision.patchSize ** 2;
const picture = (): Uint8Array => Uint8Array.from({ length: bytes }, () => random.integer(256));
const words = (count: number): number[] =>
  Array.from({ length: count }, () => 20 + random.integer(config.text.vocabSize - 20));
const segments = Array.from(
  { length: clips },
  (): ClipSegments => ({
    clip: { rows, columns, secondsPerStep: 1, steps: Array.from({ length: steps }, picture) },
    texts: [{ tokens: words(before + behind), scoredFrom: before }],
    contrast: { absentSteps: new Map([[1, picture()]]), keywords: words(keywords) },
  }),
);
const tokens = { visionStart: 12, visionEnd: 13, video: 11, endComplete: 14, endAbsent: 15, endText: 16 };
const objective = sumOfLosses(await makeLosses({ "cross-entropy": {}, contrastive: { block } }));
const rules = batchRules(config);
const model = { config, weights: new ModelWeights(store), adapter: undefined };
const engine = wholeGraphEngine(model, { threads: Number(threads) });
await answerRounds(async () => {
  const start = performance.now();
  const options = { tokens, states: objective.states, view: { dropout, random } };
  const { batch, scored } = segmentsBatch(segments, rules, options);
  const weights = new Float32Array(batch.scored.rows.length).fill(1 / scored.length, 0, scored.length);
  const pairs = new Float32Array(clips * clips);
  const masks = { twinMask: new Float32Array(clips), textMask: pairs, viewMask: pairs };
  await engine.clearGradient();
  await takeStep(engine, [batch], objective, { weights, ...masks });
  await engine.update(benchUpdate);
  return { value: performance.now() - start };
});
await engine[Symbol.asyncDispose]();
