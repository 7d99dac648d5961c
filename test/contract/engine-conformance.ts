/** What every engine must do: one suite over all of them, also over those that people bring. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import type { TokenBatch } from "../../src/batch/token-batch.ts";
import { EngineError, StalePassError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { Cotangents, Engine, UpdateOptions } from "../../src/engine/contract.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { sampleUntilText } from "../../src/engine/stop-text.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { type SftBatchOptions, sftBatches } from "../../src/training/sft-batches.ts";
import { readAdapter } from "../../src/weights/adapter.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { askToken, noiseStep, tinyConfig, tinyStore, tinyTokens, toyClips } from "../unit/training/tiny.ts";

/** What an engine is asked to open. */
export interface ConformanceModel {
  /** Checkpoint in Hugging Face layout. */
  readonly folder: string;
  readonly trained: "all" | "none" | "adapter";
  /** PEFT folder. */
  readonly adapterFolder?: string;
}

/** How close an engine's numbers are to the whole graph's, relative to the largest. */
export interface ConformanceTolerance {
  readonly numbers: number;
  /** Of losses after many updates. */
  readonly losses: number;
}

const config = tinyConfig();
const rules = batchRules(config);
const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
const random = seededRandom("conformance");
/** Toy clips with noise on two steps, so that every clip has contents of its own. */
const clips = toyClips(16).map((clip) => ({
  ...clip,
  patches: {
    ...clip.patches,
    steps: clip.patches.steps.map((step, i) => (i === 0 ? noiseStep(random) : step)),
  },
}));
/** AdamW as all steps take it. */
export const update: UpdateOptions = {
  learningRate: 5e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradientNorm: 1,
};

/** Clips with contrast and taps of two blocks, as one batch. */
export const batchOf = (from: number, count = 2): TokenBatch =>
  segmentsBatch(
    clips.slice(from, from + count).map((clip) => ({
      clip: clip.patches,
      texts: clip.texts.map(({ prompt, target }) => ({ tokens: [...prompt, ...target], scoredFrom: 1 })),
      contrast: { absentSteps: clip.absentSteps, keywords: clip.keywords },
    })),
    rules,
    {
      tokens: tinyTokens,
      states: [
        { block: 1, group: "complete" },
        { block: 2, group: "complete" },
        { block: 2, group: "absent" },
      ],
    },
  ).batch;

/** Numbers within a tolerance, relative to the largest. */
export const expectClose = (got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  expect(got.length).toBe(expected.length);
  let [largest, worst] = [1e-3, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(got[i]! - expected[i]!));
  }
  expect(worst / largest).toBeLessThanOrEqual(tolerance);
};

/** Random cotangents of all that a batch gives. */
export const cotangentsOf = (batch: TokenBatch, seed: string): Cotangents => {
  const own = seededRandom("cotangents", seed);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => own.normal());
  const rows = (block: number): number =>
    batch.taps.find((tap) => tap.block === block)!.groups.reduce((sum, group) => sum + group.rows.length, 0);
  const width = config.text.hiddenSize;
  return {
    tokenLogprobs: numbers(batch.scored.rows.length),
    states: new Map(batch.taps.map(({ block }) => [block, numbers(rows(block) * width)])),
  };
};

/** Gradients of all that an engine trains. */
export const gradients = async (engine: Engine): Promise<Float32Array[]> => {
  const all: Float32Array[] = [];
  for (const name of engine.capabilities.trainable) all.push(await engine.read(name, "gradient"));
  return all;
};

const logprobsOf = async (
  engine: Engine,
  batch: TokenBatch,
  weights: "current" | "reference" = "current",
): Promise<Float32Array> => {
  await using pass = await engine.forward([batch], { weights });
  return pass.outputs[0]!.tokenLogprobs;
};

/** Losses of supervised fine-tuning with contrast. */
export const sftSteps = async (
  engine: Engine,
  from: number,
  to: number,
  batchesPerStep = 1,
): Promise<number[]> => {
  const objective = sumOfLosses(await makeLosses(contrast.losses));
  const means = { rules, tokens: tinyTokens, instruction: [], queue: undefined };
  const options: SftBatchOptions = {
    textsPerClip: 1,
    blindClipsPerStep: 0,
    batchesPerStep,
    viewDropout: contrast.viewDropout!,
    bothViews: false,
    encoding: "shared",
    instructionShare: 0,
    seed: 3,
  };
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const chosen = Array.from({ length: 8 }, (_, i) => clips[(step * 8 + i) % clips.length]!);
    const { batches, feeds } = sftBatches(chosen, objective, means, options, step);
    await engine.clearGradient();
    losses.push((await takeStep(engine, batches, objective, feeds)).loss);
    await engine.update(update);
  }
  return losses;
};

/** Losses of the whole graph over 20 steps, which every suite is compared with; computed once a process. */
let wholeLosses: Promise<readonly number[]> | undefined;

/** The suite. @param open opens the engine on a checkpoint; the suite disposes of it */
export const engineConformance = (
  name: string,
  open: (model: ConformanceModel) => Promise<Engine>,
  tolerance: ConformanceTolerance,
): void => {
  describe(name, () => {
    let work: string;
    let checkpoint: string;
    let adapterFolder: string;
    /** Opened once, for tests that move no weights: one of the suite's engines, and the whole graph. */
    let resting: Engine;
    let restingWhole: Engine;
    beforeAll(async () => {
      work = mkdtempSync(join(tmpdir(), "conformance-"));
      checkpoint = join(work, "checkpoint");
      saveCheckpoint(checkpoint, config, tinyStore(config).tensors(), { dtype: "float32" });
      adapterFolder = join(work, "adapter");
      const shape = { targets: ["q_proj", "down_proj"], rank: 2, alpha: 4 };
      const model = adaptedModel(config);
      writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("adapter")), model);
      resting = await opened();
      restingWhole = await reference();
    });
    afterEach(async () => {
      for (const engine of [resting, restingWhole]) await engine.clearGradient();
    });
    afterAll(async () => {
      for (const engine of [resting, restingWhole]) {
        // What they were opened for: no test has moved their weights.
        expect(engine.version).toBe(0);
        await engine[Symbol.asyncDispose]();
      }
      rmSync(work, { recursive: true, force: true });
    });

    const opened = (trained: ConformanceModel["trained"] = "all"): Promise<Engine> =>
      open({ folder: checkpoint, trained, ...(trained === "adapter" ? { adapterFolder } : {}) });
    /** The whole graph in this process, which all are compared with. */
    const reference = async (trained: ConformanceModel["trained"] = "all"): Promise<Engine> => {
      const choice = { engine: "onnx:execution=whole", threads: 1 };
      const adapted = trained === "adapter" ? { adapterFolder } : {};
      return (await openEngine(choice, { folder: checkpoint, trained, ...adapted })).engine;
    };

    test("says what it can do", () => {
      const { capabilities } = resting;
      expect(capabilities.ranks).toBeGreaterThan(0);
      expect(capabilities.keeps).toContain("inputs");
      expect(capabilities.trainable).toEqual(restingWhole.capabilities.trainable);
    });

    test("scores several batches, taps their states and knows candidates", async () => {
      const [engine, same] = [resting, restingWhole];
      const batches = [batchOf(0), batchOf(2, 3)];
      const tokens = Int32Array.from({ length: 2 * batches[0]!.scored.rows.length }, (_, i) => 16 + (i % 2));
      const candidates = [{ tokens, perRow: 2 }, { top: 3 }];
      await using got = await engine.forward(batches, { candidates });
      await using expected = await same.forward(batches, { candidates });
      got.outputs.forEach((output, i) => {
        const other = expected.outputs[i]!;
        expectClose(output.tokenLogprobs, other.tokenLogprobs, tolerance.numbers);
        expect([...output.states.keys()]).toEqual([1, 2]);
        for (const [block, state] of other.states)
          expectClose(output.states.get(block)!, state, tolerance.numbers);
        expect(output.candidates!.tokens).toEqual(other.candidates!.tokens);
        expectClose(output.candidates!.logprobs, other.candidates!.logprobs, tolerance.numbers);
      });
    });

    test("two passes outstanding go backward in either order; gradients add up until they are cleared", async () => {
      const [engine, same] = [resting, restingWhole];
      const batches = [batchOf(0), batchOf(4, 3)];
      const given = batches.map((batch, i) => cotangentsOf(batch, String(i)));
      const expected = await same.forward(batches, { keep: "graph" });
      await same.backward(expected, given);
      const wanted = await gradients(same);
      for (const order of [
        [0, 1],
        [1, 0],
      ])
        for (const keep of ["graph", "inputs"] as const) {
          await engine.clearGradient();
          const passes = [
            await engine.forward([batches[0]!], { keep }),
            await engine.forward([batches[1]!], { keep }),
          ];
          for (const i of order) await engine.backward(passes[i]!, [given[i]!]);
          const own = await gradients(engine);
          wanted.forEach((gradient, i) => {
            expectClose(own[i]!, gradient, Math.max(tolerance.numbers, 1e-5));
          });
        }
      await engine.clearGradient();
      expect((await gradients(engine)).every((gradient) => gradient.every((x) => x === 0))).toBe(true);
    });

    test("a pass goes backward once, never after an update, and only when it keeps something", async () => {
      await using engine = await opened();
      const batch = batchOf(0);
      const given = [cotangentsOf(batch, "once")];
      const pass = await engine.forward([batch], { keep: "graph" });
      await engine.backward(pass, given);
      await expect(engine.backward(pass, given)).rejects.toThrow(EngineError);
      await expect(engine.backward(await engine.forward([batch]), given)).rejects.toThrow(/keeps nothing/);
      const stale = await engine.forward([batch], { keep: "graph" });
      const { version, norm } = await engine.update(update);
      expect(norm).toBeGreaterThan(0);
      expect(version).toBe(stale.version + 1);
      expect(engine.version).toBe(version);
      await expect(engine.backward(stale, given)).rejects.toThrow(StalePassError);
      const wrong = [{ tokenLogprobs: undefined, states: new Map([[3, new Float32Array(64)]]) }];
      const fresh = await engine.forward([batch], { keep: "graph" });
      await expect(engine.backward(fresh, wrong)).rejects.toThrow(/not tapped.*block 3/);
    });

    test("nothing that it hands out is its own memory", async () => {
      const engine = resting;
      const batch = batchOf(0);
      const [parameter] = engine.capabilities.trainable;
      const value = await engine.read(parameter!, "value");
      const before = value.slice();
      value.fill(7);
      expect(await engine.read(parameter!, "value")).toEqual(before);
      const pass = await engine.forward([batch], { keep: "graph" });
      const given = [cotangentsOf(batch, "memory")];
      await engine.backward(await engine.forward([batch], { keep: "graph" }), given);
      const expected = await gradients(engine);
      for (const state of pass.outputs[0]!.states.values()) state.fill(0);
      pass.outputs[0]!.tokenLogprobs.fill(0);
      await engine.clearGradient();
      await engine.backward(pass, given);
      expect(await gradients(engine)).toEqual(expected);
      (await engine.read(parameter!, "gradient")).fill(1);
      expect(await gradients(engine)).toEqual(expected);
    });

    test("20 steps with contrast give the whole graph's losses; 8 batches of 1 clip are 1 batch of 8", async () => {
      wholeLosses ??= (async () => {
        await using same = await reference();
        return sftSteps(same, 0, 20);
      })();
      const expected = await wholeLosses;
      await using engine = await opened();
      const got = await sftSteps(engine, 0, 20);
      expect(expected.at(-1)!).toBeLessThan(0.7 * expected[0]!);
      got.forEach((loss, i) => {
        expect(Math.abs(loss - expected[i]!)).toBeLessThanOrEqual(tolerance.losses);
      });
      await using split = await opened();
      (await sftSteps(split, 0, 3, 8)).forEach((loss, i) => {
        expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-5 + tolerance.losses);
      });
    });

    test("groups have rates and decays of their own, norms are told by group; what is not finite changes nothing", async () => {
      const groups = [
        { name: "held", pattern: "self_attn", learningRateFactor: 0 },
        { name: "slow", pattern: "\\.layers\\.", learningRateFactor: 0.25, weightDecay: 0 },
      ];
      const rule = { ...update, groups };
      await using engine = await opened();
      await using same = await reference();
      const batch = batchOf(0);
      const given = [cotangentsOf(batch, "groups")];
      const results = [];
      for (const one of [same, engine]) {
        await one.backward(await one.forward([batch], { keep: "graph" }), given);
        results.push(await one.update(rule));
      }
      const [expected, got] = results.map(({ norms }) => norms);
      expect(Object.keys(got!).sort()).toEqual(["held", "language", "merger", "slow", "vision"]);
      const names = Object.keys(expected!);
      const inOrder = (norms: Readonly<Record<string, number>>): number[] =>
        names.map((name) => norms[name]!);
      expectClose(inOrder(got!), inOrder(expected!), Math.max(tolerance.numbers, 1e-5));
      expect(Math.hypot(...inOrder(got!)) / results[1]!.norm).toBeCloseTo(1, 5);
      const moved = async (name: string): Promise<number> => {
        const [before, after] = [await resting.read(name, "value"), await engine.read(name, "value")];
        return Math.max(...after.map((x, i) => Math.abs(x - before[i]!)));
      };
      // The first update of AdamW is about the learning rate in every element.
      expect(await moved("model.layers.0.self_attn.q_proj.weight")).toBe(0);
      expect(await moved("model.layers.0.mlp.up_proj.weight")).toBeCloseTo(update.learningRate / 4, 4);
      expect(await moved("visual.merger.ln_q.weight")).toBeCloseTo(update.learningRate, 4);
      const empty = [{ name: "nothing", pattern: "no such name" }];
      await expect(engine.update({ ...update, groups: empty })).rejects.toThrow(
        /without parameters: nothing/,
      );
      const before = await engine.read("visual.merger.ln_q.weight", "value");
      const bad = { tokenLogprobs: given[0]!.tokenLogprobs!.map(() => Number.NaN), states: new Map() };
      await engine.backward(await engine.forward([batch], { keep: "graph" }), [bad]);
      const { version } = engine;
      const broken = await engine.update(rule);
      expect(Number.isFinite(broken.norm)).toBe(false);
      expect(broken.version).toBe(version);
      expect(engine.version).toBe(version);
      expect(await engine.read("visual.merger.ln_q.weight", "value")).toEqual(before);
    });

    test("the reference stays what it was while the weights move", async () => {
      await using engine = await opened();
      const batch = batchOf(1);
      await expect(logprobsOf(engine, batch, "reference")).rejects.toThrow(/no reference/);
      const before = await logprobsOf(engine, batch);
      await engine.holdReference();
      await sftSteps(engine, 0, 2);
      expect(await logprobsOf(engine, batch, "reference")).toEqual(before);
      expect(await logprobsOf(engine, batch)).not.toEqual(before);
    });

    test("draws the whole graph's tokens, the same for the same seed, and ends at strings", async () => {
      await using engine = await opened("none");
      await using same = await reference("none");
      const text = { tokens: [askToken], scoredFrom: 1, next: true };
      const rows = clips.slice(0, 3).map((clip) => ({ clip: clip.patches, texts: [text] }));
      const { batch, ends } = segmentsBatch(rows, rules, { tokens: tinyTokens, prefill: true });
      const request = {
        batch,
        nextPositions: ends.map(({ nextPosition }) => nextPosition),
        completions: 2,
        maxNewTokens: 6,
        temperature: 0,
        stopTokens: [],
        bannedTokens: rules.visualTokenIds,
        repetitionPenalty: 1.1,
        seed: "conformance",
      };
      for (const temperature of [0, 1]) {
        const [got, expected] = [
          (await engine.sample({ ...request, temperature })).flat(),
          (await same.sample({ ...request, temperature })).flat(),
        ];
        expect(got.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
        got.forEach(({ logprobs }, i) => {
          expectClose(logprobs, expected[i]!.logprobs, tolerance.numbers);
        });
        expect(await engine.sample({ ...request, temperature })).toEqual([
          got.slice(0, 2),
          got.slice(2, 4),
          got.slice(4),
        ]);
      }
      const whole = (await engine.sample(request)).flat();
      const decode = (tokens: readonly number[]): string => tokens.map((token) => `<${token}>`).join("");
      const stop = { strings: [decode([whole[0]!.tokens[2]!])], decode };
      const cut = (await sampleUntilText(engine, request, stop))[0]![0]!;
      expect(cut.finish).toBe("stop");
      expect(cut.tokens.length).toBe(whole[0]!.tokens.indexOf(whole[0]!.tokens[2]!) + 1);
    });

    test("scores targets under the distribution that they were drawn from; forward, reference, gradient", async () => {
      const [engine, same] = [resting, restingWhole];
      const text = { tokens: [askToken], scoredFrom: 1, next: true };
      const shown = clips.slice(0, 3);
      const drawn = { temperature: 1.7, bannedTokens: [...rules.visualTokenIds, 0, 17] };
      const rows = shown.map((clip) => ({ clip: clip.patches, texts: [text] }));
      const { batch, ends } = segmentsBatch(rows, rules, { tokens: tinyTokens, prefill: true });
      const request = {
        batch,
        nextPositions: ends.map(({ nextPosition }) => nextPosition),
        completions: 2,
        maxNewTokens: 4,
        ...drawn,
        stopTokens: [],
        seed: "drawn",
      };
      const completions = await engine.sample(request);
      const texts = completions.map((group) =>
        group.map(({ tokens }) => ({ tokens: [askToken, ...tokens], scoredFrom: 1 })),
      );
      const answered = shown.map((clip, i) => ({ clip: clip.patches, texts: texts[i]! }));
      const scored = segmentsBatch(answered, rules, { tokens: tinyTokens, drawn });
      const own = scored.scored.length;
      const expected = completions.flat().flatMap(({ logprobs }) => logprobs);
      const got = await logprobsOf(engine, scored.batch);
      expectClose(got.subarray(0, own), expected, Math.max(tolerance.numbers, 1e-5));
      await engine.holdReference();
      expect(await logprobsOf(engine, scored.batch, "reference")).toEqual(got);
      // The same out of the logarithms of all tokens: at temperature 1 they are another distribution.
      const plain = segmentsBatch(answered, rules, { tokens: tinyTokens }).batch;
      const all = Int32Array.from(
        { length: plain.scored.rows.length * config.text.vocabSize },
        (_, i) => i % config.text.vocabSize,
      );
      await using pass = await engine.forward([plain], {
        candidates: [{ tokens: all, perRow: config.text.vocabSize }],
      });
      const whole = pass.outputs[0]!.candidates!.logprobs;
      const byHand = Array.from({ length: own }, (_, m) => {
        const row = whole.subarray(m * config.text.vocabSize, (m + 1) * config.text.vocabSize);
        const weights = Array.from(row, (logprob, token) =>
          drawn.bannedTokens.includes(token) ? 0 : Math.exp(logprob / drawn.temperature),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return Math.log(weights[scored.batch.scored.targets[m]!]! / total);
      });
      expectClose(byHand, expected, 1e-5);
      expect(Math.abs(pass.outputs[0]!.tokenLogprobs[0]! - expected[0]!)).toBeGreaterThan(1e-3);
      const cotangents = { tokenLogprobs: got.map((_, m) => (m < own ? 1 + m / own : 0)), states: new Map() };
      for (const one of [engine, same]) {
        await one.clearGradient();
        await one.backward(await one.forward([scored.batch], { keep: "graph" }), [cotangents]);
      }
      const mine = await gradients(engine);
      (await gradients(same)).forEach((gradient, i) => {
        expectClose(mine[i]!, gradient, Math.max(tolerance.numbers, 1e-5));
      });
      expect(mine.some((gradient) => gradient.some((x) => x !== 0))).toBe(true);
    });

    test("a scored target that is banned is refused", async () => {
      const rows = [{ clip: clips[0]!.patches, texts: [{ tokens: [askToken, 16], scoredFrom: 1 }] }];
      const options = { tokens: tinyTokens, drawn: { temperature: 1, bannedTokens: [16] } };
      const { batch } = segmentsBatch(rows, rules, options);
      await expect(resting.forward([batch])).rejects.toThrow(/scored target.*16, which is banned/);
    });

    test("saved and loaded, here and by the whole graph, training goes on as though nothing had been", async () => {
      await using engine = await opened();
      await sftSteps(engine, 0, 2);
      const folder = join(work, `saved ${name}`);
      await engine.save(folder, { optimizer: true });
      const expected = await sftSteps(engine, 2, 4);
      await using again = await opened();
      await again.load(folder, { optimizer: true });
      expect(again.version).toBe(1);
      expect(await sftSteps(again, 2, 4)).toEqual(expected);
      await using other = await reference();
      await other.load(folder, { optimizer: true });
      (await sftSteps(other, 2, 4)).forEach((loss, i) => {
        expect(Math.abs(loss - expected[i]!)).toBeLessThanOrEqual(tolerance.losses);
      });
      await expect(engine.load(checkpoint, { optimizer: true })).rejects.toThrow(/without optimizer state/);
      await expect(engine.load(adapterFolder)).rejects.toThrow(/folder of another kind/);
    });

    test("an adapter trains alone, is saved as a PEFT folder and goes on from there", async () => {
      await using engine = await opened("adapter");
      expect(engine.capabilities.trainable.every((one) => /lora_[AB]/.test(one))).toBe(true);
      const before = await logprobsOf(engine, batchOf(0));
      await engine.holdReference();
      const losses = await sftSteps(engine, 0, 3);
      await using same = await reference("adapter");
      (await sftSteps(same, 0, 3)).forEach((loss, i) => {
        expect(Math.abs(loss - losses[i]!)).toBeLessThanOrEqual(Math.max(1e-4, tolerance.losses));
      });
      expect(await logprobsOf(engine, batchOf(0), "reference")).toEqual(before);
      const folder = join(work, `adapter ${name}`);
      await engine.save(folder, { optimizer: true });
      const read = await readAdapter(folder, adaptedModel(config));
      expect(read.modules.every(({ rank, alpha }) => rank === 2 && alpha === 4)).toBe(true);
      const expected = await sftSteps(engine, 3, 5);
      await using again = await opened("adapter");
      await again.load(folder, { optimizer: true });
      expect(await sftSteps(again, 3, 5)).toEqual(expected);
    });

    test("a signal ends a call with its reason, and the engine goes on", async () => {
      const engine = resting;
      const batch = batchOf(0);
      const before = await logprobsOf(engine, batch);
      const stopped = AbortSignal.abort(new Error("stopped by a person"));
      await expect(engine.forward([batch], { signal: stopped })).rejects.toThrow("stopped by a person");
      const stop = new AbortController();
      const waiting = engine.forward([batchOf(3), batchOf(5)], { signal: stop.signal });
      stop.abort(new Error("stopped while it waits"));
      await expect(waiting).rejects.toThrow("stopped while it waits");
      expect(await logprobsOf(engine, batch)).toEqual(before);
    });
  });
};
