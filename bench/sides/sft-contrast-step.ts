// Our side of sft-contrast-step-*: node sft-contrast-step.ts <folder> <shape> <threads>

import type { ClipSegments } from "../../src/batch/segments.ts";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import { OnnxEngine } from "../../src/engine/onnx/engine.ts";
import { lossRegistry, sumOfTerms } from "../../src/objectives/losses.ts";
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
const terms = [
  (await lossRegistry.make("cross-entropy")).value,
  (await lossRegistry.make("contrastive", { block })).value,
];
const engine = new OnnxEngine(config, store, undefined, { threads: Number(threads) });
await answerRounds(async () => {
  const start = performance.now();
  const batch = segmentsBatch(segments, config, { tokens, contrast: { block, dropout, random } });
  const { scored } = batch.language;
  const weights = new Float32Array(scored).fill(1 / batch.scored.length, 0, batch.scored.length);
  const masks = { twinMask: new Float32Array(clips), textMask: new Float32Array(clips * clips) };
  const objective = sumOfTerms(terms, { scored, contrasted: clips });
  await engine.step(batch, objective, { weights, ...masks });
  await engine.update(benchUpdate);
  return { value: performance.now() - start };
});
await engine[Symbol.asyncDispose]();
