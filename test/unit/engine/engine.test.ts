import { afterAll, expect, test } from "vitest";
import { tappedGroup } from "../../../src/batch/ids-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import type { EmbeddedEngine } from "../../../src/engine/onnx/embedded-engine.ts";
import { lowerBatch } from "../../../src/engine/onnx/lowering/lower-batch.ts";
import { wholeGraphEngine } from "../../../src/engine/onnx/open.ts";
import { modelValues, stepOutputs, weightFeed } from "../../../src/engine/onnx/plan.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import { takeStep } from "../../../src/engine/take-step.ts";
import type { Objective } from "../../../src/graph/objective.ts";
import { add, mul, negate } from "../../../src/graph/ops/elementwise.ts";
import { mean, sum } from "../../../src/graph/ops/reduce.ts";
import { interpret } from "../../interpret.ts";
import { smallConfig, smallEngine, smallIds, smallStore } from "./small-model.ts";

const engines: EmbeddedEngine[] = [];
const makeEngine = (store: ParameterStore): EmbeddedEngine => {
  const engine = smallEngine(store);
  engines.push(engine);
  return engine;
};
afterAll(async () => {
  for (const engine of engines) await engine[Symbol.asyncDispose]();
});

const { batch: plan, rows, columns, next, ids } = smallIds();
const scoredRows = [12, 13, 14, columns + 15, columns + 16];
const targets = scoredRows.map((row) => ids[row + 1]!);
const tapped = { block: 1, rows: [4, columns + 19] };
const batch = plan({ scoredRows, targets, taps: [tapped] });
const objective: Objective = {
  key: "mean and state",
  states: [{ block: 1, group: tappedGroup }],
  feeds: { weights: [tappedGroup, smallConfig.text.hiddenSize] },
  additive: false,
  build: ({ tokenLogprobs, state, feed }) => {
    const weighted = negate(mean(tokenLogprobs));
    const tapPart = sum(mul(state(1, tappedGroup), feed("weights")));
    return { loss: add(weighted, tapPart), metrics: { weighted } };
  },
};
const weights = Float32Array.from({ length: 2 * 32 }, (_, i) => Math.sin(i));
const gradients = (store: ParameterStore): number[][] =>
  store.trained().map(({ gradient }) => [...gradient!]);
const expectClose = (a: readonly number[][], b: readonly number[][], factor = 1): void =>
  a.forEach((list, i) => {
    const largest = Math.max(...b[i]!.map(Math.abs), 1e-3);
    list.forEach((x, j) => {
      expect(Math.abs(x - factor * b[i]![j]!)).toBeLessThan(1e-5 * largest);
    });
  });
const update = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradientNorm: 1,
};

/** A step on a clear gradient. */
const step = async (engine: EmbeddedEngine): ReturnType<typeof takeStep> => {
  await engine.clearGradient();
  return takeStep(engine, [batch], objective, { weights });
};

test("a fused step gives the loss of forward and the gradient of backward; accumulation adds", async () => {
  const store = smallStore("all");
  const engine = makeEngine(store);
  const pass = await engine.forward([batch], { keep: "graph" });
  const forward = pass.outputs[0]!;
  const taken = await step(engine);
  const weighted = -forward.tokenLogprobs.reduce((total, x) => total + x, 0) / scoredRows.length;
  const state = forward.states.get(1)!.reduce((total, x, i) => total + x * weights[i]!, 0);
  expect(taken.loss).toBeCloseTo(weighted + state, 4);
  expect(taken.metrics["weighted"]).toBeCloseTo(weighted, 5);
  const once = gradients(store);
  expect(once.every((list) => list.some((x) => x !== 0))).toBe(true);
  await takeStep(engine, [batch], objective, { weights });
  expectClose(gradients(store), once, 2);
  const cotangents = {
    tokenLogprobs: new Float32Array(scoredRows.length).fill(-1 / scoredRows.length),
    states: new Map([[1, weights]]),
  };
  await engine.clearGradient();
  await engine.backward(pass, [cotangents]);
  expectClose(gradients(store), once);
});

test("gradients agree with float64 differences of the loss along random directions", async () => {
  const store = smallStore("all");
  await step(makeEngine(store));
  const lowered = await lowerBatch(batch, smallConfig);
  const model = { config: smallConfig, weights: new ModelWeights(store), adapter: undefined };
  const { loss } = stepOutputs(modelValues(lowered, model), lowered, store, objective, false);
  const fed = Object.entries({ ...lowered.feeds, "objective.weights": weights }).map(
    ([name, data]) => [name, Array.from(data as Float32Array, Number)] as const,
  );
  const numbers = store.all().map(({ name, value }) => [weightFeed(name), Array.from(value)] as const);
  const feeds: Record<string, number[]> = Object.fromEntries([...fed, ...numbers]);
  const lossWith = (name: string, value: number[]): number =>
    interpret([loss!], { ...feeds, [name]: value })[0]!.data[0]!;
  const random = seededRandom("directions");
  // One of each kind of parameter; the others are of the same kinds.
  const kinds = /patch_embed|blocks\.0.*(norm1|qkv|proj)|merger|layers\.0|embed_tokens|model\.norm/;
  const chosen = store.trained().filter(({ name }) => kinds.test(name));
  expect(chosen.length).toBeGreaterThan(15);
  for (const { value, gradient, name } of chosen) {
    const direction = Array.from(value, () => random.normal());
    const slope = gradient!.reduce((total, g, i) => total + g * direction[i]!, 0);
    const scale = Math.hypot(...gradient!) * Math.hypot(...direction);
    const h = 1e-5 / Math.hypot(...direction);
    const moved = (by: number): number[] => Array.from(value, (x, i) => x + by * direction[i]!);
    const feed = weightFeed(name);
    const difference = (lossWith(feed, moved(h)) - lossWith(feed, moved(-h))) / (2 * h);
    expect(Math.abs(difference - slope), name).toBeLessThan(1e-5 * scale);
  }
});

test("a run that goes on from saved values, moments and count ends with the same bits", async () => {
  const train = async (engine: EmbeddedEngine, steps: number): Promise<void> => {
    for (let i = 0; i < steps; i++) {
      await step(engine);
      await engine.update(update);
    }
  };
  const whole = smallStore("all");
  await train(makeEngine(whole), 4);
  const first = smallStore("all");
  await train(makeEngine(first), 2);
  const second = smallStore("all");
  for (const what of ["value", "firstMoment", "secondMoment"] as const)
    for (const { name, data } of first.tensors(what))
      [...second.tensors(what)].find((tensor) => tensor.name === name)!.data.set(data);
  second.updates = first.updates;
  await train(makeEngine(second), 2);
  for (const { name, value } of whole.all()) expect(second.get(name).value, name).toEqual(value);
});

test("what is frozen gets no gradient, and the rest the same one", async () => {
  const all = smallStore("all");
  await step(makeEngine(all));
  const some = smallStore(({ part }) => part === "merger");
  const engine = makeEngine(some);
  await step(engine);
  expect(engine.capabilities.trainable.every((name) => name.startsWith("visual.merger."))).toBe(true);
  expectClose(
    gradients(some),
    engine.capabilities.trainable.map((name) => [...all.get(name).gradient!]),
  );
});

test("completions: greedy tokens are those of whole forward passes, also behind a shared prefill", async () => {
  const store = smallStore("none");
  const engine = makeEngine(store);
  const last = Array.from({ length: rows }, (_, row) => (row + 1) * columns - 1);
  const request = {
    batch: plan({ scoredRows: last, targets: [0, 0] }),
    nextPositions: next,
    maxNewTokens: 5,
    stopTokens: [],
    bannedTokens: [smallConfig.tokens.video, smallConfig.tokens.image],
  };
  const greedy = await engine.sample({
    ...request,
    completions: 2,
    temperature: 0,
    seed: "a",
  });
  for (const [a, b] of greedy) expect(a!.tokens).toEqual(b!.tokens);
  expect(greedy.flat().every(({ finish, tokens }) => finish === "length" && tokens.length === 5)).toBe(true);
  const { logits, tokenLogprobs } = await engine.inspect(
    plan({ scoredRows: last, targets: greedy.map(([a]) => a!.tokens[0]!) }),
  );
  greedy.forEach(([completion], row) => {
    const own = logits!.subarray(row * 40, row * 40 + 40);
    for (const token of request.bannedTokens) own[token] = Number.NEGATIVE_INFINITY;
    expect(completion!.tokens[0]).toBe(own.indexOf(Math.max(...own)));
    // The log-probability is among the tokens that are not banned: a little higher.
    expect(completion!.logprobs[0]!).toBeGreaterThanOrEqual(tokenLogprobs[row]! - 1e-5);
  });
  const draw = (seed: string): Promise<unknown> =>
    engine.sample({ ...request, completions: 3, temperature: 1, seed });
  expect(await draw("x")).toEqual(await draw("x"));
  expect(await draw("x")).not.toEqual(await draw("y"));
});

test("after an update completions come from the new weights", async () => {
  const store = smallStore("all");
  const engine = makeEngine(store);
  const request = {
    batch: plan({ scoredRows: [columns - 1, 2 * columns - 1], targets: [0, 0] }),
    nextPositions: next,
    completions: 1,
    maxNewTokens: 4,
    temperature: 0,
    stopTokens: [],
    seed: "u",
  };
  await engine.sample(request);
  for (let i = 0; i < 3; i++) {
    await step(engine);
    await engine.update({ ...update, learningRate: 0.1 });
  }
  const fresh = smallStore("none");
  for (const { name, value } of store.all()) fresh.get(name).value.set(value);
  expect(await engine.sample(request)).toEqual(await makeEngine(fresh).sample(request));
});

test("int8 decoding: nearly the same log-probabilities; the prefill and training stay as they are", async () => {
  const request = {
    batch: plan({ scoredRows: [columns - 1, 2 * columns - 1], targets: [0, 0] }),
    nextPositions: next,
    completions: 1,
    maxNewTokens: 2,
    temperature: 0,
    stopTokens: [],
    seed: "q",
  };
  const plain = await makeEngine(smallStore("none")).sample(request);
  const engine = wholeGraphEngine(
    { config: smallConfig, weights: new ModelWeights(smallStore("none")), adapter: undefined },
    { threads: 1, decodeWeights: "int8" },
  );
  engines.push(engine);
  const rounded = await engine.sample(request);
  plain.flat().forEach(({ tokens, logprobs }, i) => {
    const other = rounded.flat()[i]!;
    expect(other.tokens[0]).toBe(tokens[0]);
    expect(other.logprobs[0]).toBe(logprobs[0]);
    expect(other.logprobs[1]).not.toBe(logprobs[1]);
    expect(Math.abs(other.logprobs[1]! - logprobs[1]!)).toBeLessThan(0.05);
  });
});
