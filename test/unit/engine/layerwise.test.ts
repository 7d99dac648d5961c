import { afterAll, describe, expect, test } from "vitest";
import { tappedGroup } from "../../../src/batch/ids-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Cotangents, SampleRequest } from "../../../src/engine/contract.ts";
import type { LoraAdapter } from "../../../src/engine/lora.ts";
import { emptyStore, type Trained } from "../../../src/engine/model-store.ts";
import { type HalfParameter, ModelWeights } from "../../../src/engine/model-weights.ts";
import type { EmbeddedEngine } from "../../../src/engine/onnx/embedded-engine.ts";
import { layerwiseEngine, wholeGraphEngine } from "../../../src/engine/onnx/open.ts";
import { ParameterStore, type StoredParameter } from "../../../src/engine/parameter-store.ts";
import { takeStep } from "../../../src/engine/take-step.ts";
import type { Objective } from "../../../src/graph/objective.ts";
import { add, mul, negate } from "../../../src/graph/ops/elementwise.ts";
import { mean, sum } from "../../../src/graph/ops/reduce.ts";
import type { Qwen25VLConfig } from "../../../src/model/qwen2_5_vl/config.ts";
import {
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
  widenFloat16,
} from "../../../src/weights/float-formats.ts";
import { smallConfig, smallIds } from "./small-model.ts";

const engines: EmbeddedEngine[] = [];
afterAll(async () => {
  for (const engine of engines) await engine[Symbol.asyncDispose]();
});

/** Three language blocks and three vision blocks, so that a shared graph serves several blocks of its kind. */
const deepConfig: Qwen25VLConfig = {
  ...smallConfig,
  text: { ...smallConfig.text, layers: 3 },
  vision: { ...smallConfig.vision, depth: 3 },
};
const untiedConfig: Qwen25VLConfig = {
  ...deepConfig,
  text: { ...deepConfig.text, tieWordEmbeddings: false },
};
/** Modules of some blocks only, of several ranks, in both towers and at the head. */
const adapter: LoraAdapter = {
  modules: [
    { name: "model.layers.0.self_attn.q_proj", rank: 2, factor: 2 },
    { name: "model.layers.1.self_attn.q_proj", rank: 2, factor: 2 },
    { name: "model.layers.2.mlp.down_proj", rank: 3, factor: 0.5 },
    { name: "visual.blocks.1.attn.qkv", rank: 2, factor: 1 },
    { name: "visual.merger.mlp.2", rank: 2, factor: 1 },
    { name: "lm_head", rank: 2, factor: 1 },
  ],
};

const filled = (config: Qwen25VLConfig, trained: Trained, lora?: LoraAdapter): ParameterStore => {
  const store = emptyStore(config, trained, lora);
  const random = seededRandom("layer-wise");
  for (const { name, shape, value } of store.all()) {
    const own = random.fork(name);
    const scale = shape.length === 1 ? 0.1 : 0.7 / Math.sqrt(shape[1]!);
    const shift = /norm|ln_q/.test(name) ? 1 : 0;
    for (let i = 0; i < value.length; i++) value[i] = shift + scale * own.normal();
  }
  return store;
};

interface Pair {
  readonly whole: EmbeddedEngine;
  readonly layerwise: EmbeddedEngine;
}
const pair = (config: Qwen25VLConfig, trained: Trained, lora?: LoraAdapter): Pair => {
  const model = () => ({ config, weights: new ModelWeights(filled(config, trained, lora)), adapter: lora });
  const whole = wholeGraphEngine(model(), { threads: 1 });
  // 40 words in pieces of 14, 14 and 12.
  const layerwise = layerwiseEngine(model(), { threads: 1, headRows: 15 });
  engines.push(whole, layerwise);
  return { whole, layerwise };
};

/** The same numbers twice: rounded to a 16-bit format in float32, and with frozen matrices in these 16 bits. */
const halfPair = (type: "BF16" | "F16"): Pair => {
  const store = filled(untiedConfig, "adapter", adapter);
  const isFrozenMatrix = ({ shape, gradient }: StoredParameter): boolean =>
    shape.length > 1 && gradient === undefined;
  const halves = store
    .all()
    .filter(isFrozenMatrix)
    .map((parameter): HalfParameter => {
      const bits = new Uint16Array(parameter.value.length);
      const wide = new Uint32Array(parameter.value.buffer);
      (type === "BF16" ? narrowToBfloat16 : narrowToFloat16)(wide, bits);
      (type === "BF16" ? widenBfloat16 : widenFloat16)(bits, wide);
      return { ...parameter, stored: { type, bits } };
    });
  const others = store.all().filter((parameter) => !isFrozenMatrix(parameter));
  const rest = new ParameterStore(others, ({ name }) => store.get(name).gradient !== undefined);
  for (const { name, value } of rest.all()) value.set(store.get(name).value);
  const weights = new ModelWeights(rest, halves);
  expect(weights.byteLength()).toBeLessThan(0.75 * store.byteLength());
  const whole = wholeGraphEngine(
    { config: untiedConfig, weights: new ModelWeights(store), adapter },
    { threads: 1 },
  );
  const layerwise = layerwiseEngine({ config: untiedConfig, weights, adapter }, { threads: 1, headRows: 15 });
  engines.push(whole, layerwise);
  return { whole, layerwise };
};

const { batch: plan, columns, next, ids } = smallIds();
const scoredRows = [12, 13, 14, columns + 15, columns + 16];
const targets = scoredRows.map((row) => ids[row + 1]!);
const batch = plan({
  scoredRows,
  targets,
  taps: [
    { block: 1, rows: [4, columns + 19] },
    { block: 3, rows: [2, 7, columns + 1] },
  ],
});
const cotangents = {
  tokenLogprobs: Float32Array.from({ length: 5 }, (_, i) => Math.cos(i)),
  states: new Map([
    [1, Float32Array.from({ length: 2 * 32 }, (_, i) => Math.sin(i))],
    [3, Float32Array.from({ length: 3 * 32 }, (_, i) => Math.sin(2 * i))],
  ]),
};
const objective: Objective = {
  key: "mean and states",
  states: [1, 3].map((block) => ({ block, group: tappedGroup })),
  feeds: { weights: [2, 32] },
  additive: false,
  build: ({ tokenLogprobs, state, feed }) => {
    const weighted = negate(mean(tokenLogprobs));
    const tapPart = sum(mul(state(1, tappedGroup), feed("weights")));
    return {
      loss: add(weighted, add(tapPart, mean(mul(state(3, tappedGroup), state(3, tappedGroup))))),
      metrics: { weighted },
    };
  },
};
const weights = Float32Array.from({ length: 2 * 32 }, (_, i) => Math.sin(i));

const expectClose = (got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
  expect(got.length, what).toBe(expected.length);
  let largest = 1e-3;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(got[i]! - expected[i]!));
  }
  expect(worst / largest, what).toBeLessThan(1e-5);
};
const expectSameGradients = async ({ whole, layerwise }: Pair): Promise<void> => {
  const { trainable } = whole.capabilities;
  expect(layerwise.capabilities.trainable).toEqual(trainable);
  expect(trainable.length).toBeGreaterThan(0);
  for (const name of trainable)
    expectClose(await layerwise.read(name, "gradient"), await whole.read(name, "gradient"), name);
};
/** Forward and backward; adds to the gradient, or replaces it. */
const pullBack = async (engine: EmbeddedEngine, given: Cotangents, accumulate = false): Promise<void> => {
  if (!accumulate) await engine.clearGradient();
  await engine.backward(await engine.forward([batch], { keep: "graph" }), [given]);
};
/** Greedy completions of both prompts, one behind the other. */
const draw = async (
  engine: EmbeddedEngine,
  signal?: AbortSignal,
): Promise<{ tokens: number[]; logprobs: number[] }> => {
  const request = {
    batch: plan({ scoredRows: [columns - 1, 2 * columns - 1], targets: [0, 0] }),
    nextPositions: next,
    completions: 1,
    maxNewTokens: 6,
    temperature: 0,
    stopTokens: [],
    seed: "greedy",
  };
  const drawn = await engine.sample(request, { signal });
  const all = drawn.flat();
  return {
    tokens: all.flatMap(({ tokens }) => tokens),
    logprobs: all.flatMap(({ logprobs }) => logprobs),
  };
};
const update = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-4,
  weightDecay: 0.1,
  maxGradientNorm: 1,
};

const kinds: [string, Qwen25VLConfig, Trained, LoraAdapter | undefined][] = [
  ["everything trained, tied head", deepConfig, "all", undefined],
  ["everything trained, own head", untiedConfig, "all", undefined],
  ["an adapter trained, the rest frozen", untiedConfig, "adapter", adapter],
  ["the merger trained", deepConfig, ({ part }) => part === "merger", undefined],
];

describe.each(kinds)("%s", (_, config, trained, lora) => {
  test("forward and backward give the numbers of the whole graph", async () => {
    const both = pair(config, trained, lora);
    const [expected, got] = [await both.whole.inspect(batch), await both.layerwise.inspect(batch)];
    expectClose(got.tokenLogprobs, expected.tokenLogprobs, "log-probabilities");
    expectClose(got.logits!, expected.logits!, "logits");
    expectClose(got.visualTokens!, expected.visualTokens!, "visual tokens");
    expect([...got.states.keys()]).toEqual([1, 3]);
    for (const [block, state] of expected.states)
      expectClose(got.states.get(block)!, state, `state ${block}`);
    for (const accumulate of [false, true, false]) {
      for (const engine of [both.whole, both.layerwise]) await pullBack(engine, cotangents, accumulate);
      await expectSameGradients(both);
    }
  });

  test("steps and updates end at the same loss and weights", async () => {
    const both = pair(config, trained, lora);
    for (let step = 0; step < 3; step++) {
      if (step !== 1) for (const engine of [both.whole, both.layerwise]) await engine.clearGradient();
      const expected = await takeStep(both.whole, [batch], objective, { weights });
      const got = await takeStep(both.layerwise, [batch], objective, { weights });
      expect(got.loss).toBeCloseTo(expected.loss, 4);
      expect(got.metrics["weighted"]).toBeCloseTo(expected.metrics["weighted"]!, 5);
      await expectSameGradients(both);
      const [first, own] = [await both.whole.update(update), await both.layerwise.update(update)];
      expect(own.norm / first.norm).toBeCloseTo(1, 4);
    }
    for (const name of both.whole.capabilities.trainable)
      expectClose(await both.layerwise.read(name, "value"), await both.whole.read(name, "value"), name);
  });

  test("completions are the same tokens", async () => {
    const both = pair(config, trained, lora);
    const request = (temperature: number): SampleRequest => ({
      batch: plan({ scoredRows: [columns - 1, 2 * columns - 1], targets: [0, 0] }),
      nextPositions: next,
      completions: 3,
      maxNewTokens: 8,
      temperature,
      stopTokens: [11],
      seed: "completions",
    });
    for (const temperature of [0, 1]) {
      const expected = (await both.whole.sample(request(temperature))).flat();
      const got = (await both.layerwise.sample(request(temperature))).flat();
      expect(got.map(({ tokens, finish }) => [tokens, finish])).toEqual(
        expected.map(({ tokens, finish }) => [tokens, finish]),
      );
      got.forEach(({ logprobs }, i) => {
        expectClose(logprobs, expected[i]!.logprobs, "log-probabilities");
      });
    }
  });
});

test.each(["BF16", "F16"] as const)("frozen matrices in %s: the same numbers as in float32", async (type) => {
  const both = halfPair(type);
  for (const name of ["model.embed_tokens.weight", "visual.merger.mlp.0.weight", "model.norm.weight"])
    expect(await both.layerwise.read(name, "value")).toEqual(await both.whole.read(name, "value"));
  const [expected, got] = [await both.whole.inspect(batch), await both.layerwise.inspect(batch)];
  expectClose(got.tokenLogprobs, expected.tokenLogprobs, "log-probabilities");
  expectClose(got.logits!, expected.logits!, "logits");
  for (const engine of [both.whole, both.layerwise]) await pullBack(engine, cotangents);
  await expectSameGradients(both);
  const [drawn, own] = [await draw(both.whole), await draw(both.layerwise)];
  expect(own.tokens).toEqual(drawn.tokens);
  expectClose(own.logprobs, drawn.logprobs, "log-probabilities of completions");
});

test("8-bit decoding draws nearly the whole graph's 8-bit logits, and sees updates", async () => {
  const options = { threads: 1, decodeWeights: "int8" as const };
  const model = () => ({
    config: deepConfig,
    weights: new ModelWeights(filled(deepConfig, "all")),
    adapter: undefined,
  });
  const whole = wholeGraphEngine(model(), options);
  const layerwise = layerwiseEngine(model(), { ...options, headRows: 16 });
  engines.push(whole, layerwise);
  const before = await draw(layerwise);
  expectClose(before.logprobs, (await draw(whole)).logprobs, "log-probabilities");
  for (const engine of [whole, layerwise]) {
    await takeStep(engine, [batch], objective, { weights });
    await engine.update(update);
  }
  const [after, expected] = [await draw(layerwise), await draw(whole)];
  expect(after.logprobs).not.toEqual(before.logprobs);
  // The weights differ in their last bits, which may round a weight the other way.
  expect(after.logprobs[0]!).toBeCloseTo(expected.logprobs[0]!, 2);
});

test("the event loop has a turn before every block", async () => {
  const { layerwise } = pair(deepConfig, "all");
  let turns = 0;
  let open = true;
  const count = (): void => {
    turns++;
    if (open) setImmediate(count);
  };
  await layerwise.forward([batch]);
  setImmediate(count);
  await layerwise.forward([batch]);
  open = false;
  // Patches, three vision blocks, merger, words, three blocks, norm and three pieces of the head.
  expect(turns).toBeGreaterThanOrEqual(12);
});

test("a signal ends a forward, a backward and generation before the next block", async () => {
  /** What is stopped, and after how many turns: a forward takes a dozen. */
  const works: [number, (engine: EmbeddedEngine, signal?: AbortSignal) => Promise<unknown>][] = [
    [6, (engine, signal) => engine.forward([batch], { signal })],
    [
      18,
      async (engine, signal) => {
        const pass = await engine.forward([batch], { keep: "inputs" });
        return engine.backward(pass, [cotangents], { signal });
      },
    ],
    [6, (engine, signal) => draw(engine, signal)],
  ];
  for (const [end, work] of works) {
    const model = {
      config: deepConfig,
      weights: new ModelWeights(filled(deepConfig, "all")),
      adapter: undefined,
    };
    await using engine = layerwiseEngine(model, { threads: 1 });
    await work(engine);
    const stop = new AbortController();
    let turns = 0;
    let open = true;
    const stopLater = (): void => {
      if (++turns === end) stop.abort(new Error("stopped by a person"));
      else if (open) setImmediate(stopLater);
    };
    setImmediate(stopLater);
    await expect(work(engine, stop.signal)).rejects.toThrow("stopped by a person");
    open = false;
    expect(turns).toBe(end);
    // The engine goes on.
    await work(engine);
  }
});
