import { expect, test } from "vitest";
import { mediaStep } from "../../../src/batch/media-step.ts";
import { blankSource, type TokenBatch } from "../../../src/batch/token-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { EmbeddedEngine } from "../../../src/engine/onnx/embedded-engine.ts";
import { takeStep } from "../../../src/engine/take-step.ts";
import type { Objective } from "../../../src/graph/objective.ts";
import { negate } from "../../../src/graph/ops/elementwise.ts";
import { mean } from "../../../src/graph/ops/reduce.ts";
import { smallEngine, smallIds, smallStore } from "./small-model.ts";

const { batch: plan, columns, ids } = smallIds();
const rows = [12, 13, 14, columns + 15, columns + 16];
const usual: TokenBatch = {
  ...plan({ scoredRows: rows, targets: rows.map((row) => ids[row + 1]!) }),
  sizes: "rounded",
};

/** The same words under so many other pictures; what has none is blank. */
const pictured = (seed: string, steps: number): TokenBatch => {
  const random = seededRandom(seed);
  const media = usual.media.slice(0, steps).map((step) => {
    const numbers = Float32Array.from({ length: step.rows * step.columns * 1176 }, () => random.normal());
    return mediaStep(numbers, step.rows, step.columns);
  });
  const units = media.reduce((sum, step) => sum + (step.rows * step.columns) / 4, 0);
  return { ...usual, media, source: usual.source.map((unit) => (unit < units ? unit : blankSource)) };
};
const [first, second, fewer] = [pictured("a", 4), pictured("b", 4), pictured("c", 2)];

const objective: Objective = {
  key: "mean",
  states: [],
  feeds: {},
  additive: false,
  build: ({ tokenLogprobs }) => ({ loss: negate(mean(tokenLogprobs)), metrics: {} }),
};
const stepOn = async (engine: EmbeddedEngine, batch: TokenBatch): Promise<number> => {
  await engine.clearGradient();
  return (await takeStep(engine, [batch], objective, {})).loss;
};
/** Loss and gradient of an engine that has seen nothing else. */
const alone = async (batch: TokenBatch): Promise<{ loss: number; gradient: Float32Array[] }> => {
  const store = smallStore("all");
  await using engine = smallEngine(store);
  const loss = await stepOn(engine, batch);
  return { loss, gradient: store.trained().map(({ gradient }) => gradient!.slice()) };
};

test("steps that take over each other's memory give what each gives alone, in any order", async () => {
  const expected = new Map<TokenBatch, Awaited<ReturnType<typeof alone>>>();
  for (const batch of [first, second, fewer]) expected.set(batch, await alone(batch));
  const losses = [...expected.values()].map(({ loss }) => loss);
  expect(new Set(losses).size, "pictures matter").toBe(3);
  const store = smallStore("all");
  await using engine = smallEngine(store);
  for (const batch of [first, second, first, fewer, second, second, fewer, first]) {
    expect(await stepOn(engine, batch)).toBe(expected.get(batch)!.loss);
    expect(store.trained().map(({ gradient }) => gradient)).toEqual(expected.get(batch)!.gradient);
  }
});

test("a pass that is still to be pulled back keeps its pixels, whatever is stepped on in between", async () => {
  const { gradient } = await alone(first);
  const cotangents = {
    tokenLogprobs: new Float32Array(rows.length).fill(-1 / rows.length),
    states: new Map<number, Float32Array>(),
  };
  for (const before of [[], [first]]) {
    const store = smallStore("all");
    await using engine = smallEngine(store);
    for (const batch of before) await stepOn(engine, batch);
    const pass = await engine.forward([first], { keep: "inputs" });
    for (const batch of [second, fewer]) await stepOn(engine, batch);
    await engine.clearGradient();
    await engine.backward(pass, [cotangents]);
    for (const [i, parameter] of store.trained().entries()) {
      const alike = gradient[i]!;
      const largest = Math.max(...alike.map(Math.abs), 1e-3);
      const farthest = Math.max(...parameter.gradient!.map((number, at) => Math.abs(number - alike[at]!)));
      expect(farthest).toBeLessThan(1e-5 * largest);
    }
  }
});
