import { InferenceSession, Tensor } from "onnxruntime-node";
import { productRate } from "../../src/engine/product-rate.ts";
import { emitModel } from "../../src/graph/emit.ts";
import { input } from "../../src/graph/ops/inputs.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import type { BenchContext, BenchLimit } from "../define-bench.ts";
import { benchShapes, type ShapeName } from "./shapes.ts";

/** Multiplications and additions of the matrix products of a pass, each counted whole (masked halves too). */
export interface PassOperations {
  readonly vision: number;
  readonly language: number;
}

/** Operations of a forward pass over all clips. */
export const forwardOperations = (name: ShapeName): PassOperations => {
  const { config, clips, grid, before, behind } = benchShapes[name];
  const { text, vision } = config;
  const patches = clips * grid[0] * grid[1] * grid[2];
  const unit = vision.spatialMergeSize ** 2;
  const perStep = grid[1] * grid[2];
  const window = (vision.windowSize / vision.patchSize) ** 2;
  const width = vision.hiddenSize;
  const blocks = Array.from({ length: vision.depth }, (_, block) => {
    const seen = vision.fullAttentionBlocks.includes(block) ? perStep : window;
    return patches * (2 * width * (4 * width + 3 * vision.intermediateSize) + 4 * seen * width);
  });
  const merged = width * unit;
  const tower =
    2 * patches * 1176 * width +
    blocks.reduce((sum, count) => sum + count, 0) +
    (patches / unit) * 2 * merged * (merged + vision.outHiddenSize);
  const columns = before + behind + (grid[0] * grid[1] * grid[2]) / unit;
  const rows = clips * columns;
  const keys = text.kvHeads * text.headDim;
  const hidden = text.hiddenSize;
  const block = 2 * hidden * (2 * hidden + 2 * keys + 3 * text.intermediateSize) + 4 * columns * hidden;
  return {
    vision: tower,
    language: text.layers * rows * block + 2 * clips * behind * hidden * text.vocabSize,
  };
};

/** Bytes a second at which all threads read so many bytes again and again, in the same runtime: sums of rows. */
const readingRate = async (bytes: number, threads: number): Promise<number> => {
  const columns = 1024;
  const rows = Math.ceil(bytes / 4 / columns);
  const x = input("x", [rows, columns]);
  const session = await InferenceSession.create(emitModel({ y: sum(x, [1]) }).bytes, {
    intraOpNumThreads: threads,
    executionProviders: ["cpu"],
  });
  const tensor = new Tensor("float32", new Float32Array(rows * columns).fill(0.5), [rows, columns]);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await session.run({ x: tensor });
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return (4 * rows * columns) / (best / 1000);
};

/** What a benchmark computes: one pass forward; that and both gradients; or with frozen weights (LoRA) one of them. */
export type Work = "forward" | "step" | "step-lora";

/** Products of the whole work; with LoRA nothing flows back into the vision tower, and no weight has a gradient. */
const operationsOf = (name: ShapeName, work: Work): number => {
  const { vision, language } = forwardOperations(name);
  if (work === "step-lora") return vision + 2 * language;
  return (vision + language) * (work === "step" ? 3 : 1);
};

/** The time that the products alone take at this machine's matrix-product rate, in ms. */
export const matrixProductLimit =
  (name: ShapeName, work: Work) =>
  async (context: BenchContext): Promise<BenchLimit> => {
    const rate = await productRate(context.threads);
    const operations = operationsOf(name, work);
    const what = `${(operations / 1e9).toFixed(0)} GFLOP at ${(rate / 1e9).toFixed(0)} GFLOP/s (product of 1024 x 1024 matrices)`;
    return { what, value: (operations / rate) * 1000 };
  };

/** Bytes of the matrices that a token needs: all of the language model's, and the table of words as its head. */
const bytesOfToken = (name: ShapeName, weights: "float32" | "int8"): number => {
  const { text } = benchShapes[name].config;
  const width = text.hiddenSize;
  const keys = text.kvHeads * text.headDim;
  const block = width * (2 * width + 2 * keys + 3 * text.intermediateSize);
  // 8 bits and a float32 scale for 32 numbers.
  return (text.layers * block + text.vocabSize * width) * (weights === "int8" ? 1 + 4 / 32 : 4);
};

/**
 * Tokens a second at best: every step reads each matrix once for all completions, and the prompt is multiplied through
 * once at the matrix-product rate. Reading is the limit because a step multiplies few rows; its rate is that of as many
 * bytes, so that matrices which stay in a cache (small: 21 MB) are held against the cache.
 */
export const generateLimit =
  (name: ShapeName, completions: number, newTokens: number, weights: "float32" | "int8" = "float32") =>
  async (context: BenchContext): Promise<BenchLimit> => {
    const bytes = bytesOfToken(name, weights);
    const products = await productRate(context.threads);
    const reading = await readingRate(bytes, context.threads);
    const { vision, language } = forwardOperations(name);
    const prompt = (vision + language) / benchShapes[name].clips / products;
    const seconds = prompt + (newTokens - 1) * (bytes / reading);
    const what = `${(bytes / 1e6).toFixed(0)} MB of matrices a step read at ${(reading / 1e9).toFixed(1)} GB/s, prompt at ${(products / 1e9).toFixed(0)} GFLOP/s`;
    return { what, value: (completions * newTokens) / seconds };
  };
