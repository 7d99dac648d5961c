/** What runLoop does around a step: looks, early end, the best checkpoint, steps that go wrong. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Progress, silentProgress } from "../../../src/core/progress.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Engine } from "../../../src/engine/contract.ts";
import { takeStep } from "../../../src/engine/take-step.ts";
import { makeLosses, sumOfLosses } from "../../../src/objectives/losses.ts";
import { bestCheckpoint } from "../../../src/runs/checkpoints.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun, resumeRun } from "../../../src/runs/run.ts";
import { readFailedStep } from "../../../src/training/failed-step.ts";
import { heldOutBatches } from "../../../src/training/held-out-batches.ts";
import { type LoopStep, runLoop } from "../../../src/training/loop.ts";
import { LoopWatch, usualWatch } from "../../../src/training/loop-watch.ts";
import { trainSft } from "../../../src/training/sft.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import { withoutClocks } from "../../without-clocks.ts";
import { type TinyTrainee, tinyTrainee, toyClips } from "./tiny.ts";

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
const signal = new AbortController().signal;
const optimizer = sftParams.parse({ steps: 1, schedule: { learningRate: 1 } }).optimizer;
const schedule = { learningRate: 1e-2, warmupSteps: 0, finalShare: 1 };
const logged = (): Progress & { readonly lines: string[] } => {
  const lines: string[] = [];
  return { ...silentProgress, lines, log: (line) => void lines.push(line) };
};

/** A loop whose step computes nothing, with numbers of the test's. */
const emptyLoop = async (
  own: string,
  body: Partial<LoopStep>,
  settings: { readonly steps: number; readonly patience?: number; readonly divergence?: number },
  progress: Progress = silentProgress,
  stop: AbortSignal = signal,
) => {
  const trainee = tinyTrainee(folder);
  using run = existsSync(own) ? resumeRun(own, { keepLast: 2 }) : createRun(own, {}, { keepLast: 2 });
  const { steps, ...watch } = settings;
  try {
    return await runLoop(
      trainee,
      {
        steps,
        schedule,
        optimizer,
        checkpointEvery: 100,
        watch: { ...usualWatch, validateEvery: 1, metric: "validation/score", better: "higher", ...watch },
      },
      { run, progress, signal: stop },
      { compute: async () => ({}), state: () => ({}), restore: () => {}, ...body },
    );
  } finally {
    await trainee.engine[Symbol.asyncDispose]();
  }
};

test("stopped while a step waits for its data, it is saved up to the step before", async () => {
  const own = join(folder, `${made++}`);
  const stop = new AbortController();
  const compute = async (step: number) => {
    if (step === 3) stop.abort();
    stop.signal.throwIfAborted();
    return {};
  };
  const steps = { steps: 5 };
  await expect(emptyLoop(own, { compute }, steps, silentProgress, stop.signal)).rejects.toThrow("abort");
  expect(readRun(own).checkpoints.complete.map(({ step }) => step)).toEqual([2]);
  expect(readRun(own).metrics.map(({ step }) => step)).toEqual([0, 1, 2]);
  const update = async (step: number, more: () => Promise<void>) => {
    if (step === 4) {
      await more();
      broken.abort();
    }
    broken.signal.throwIfAborted();
    return {};
  };
  const broken = new AbortController();
  // A step that has changed the weights already is no state to go on from.
  await expect(emptyLoop(own, { compute: update }, steps, silentProgress, broken.signal)).rejects.toThrow(
    "abort",
  );
  expect(readRun(own).checkpoints.complete.map(({ step }) => step)).toEqual([2]);
  expect(await emptyLoop(own, {}, steps)).toMatchObject({ ended: "done", steps: 5 });
});

describe("looks at held-out samples", () => {
  test("the run ends when they get no better; the best checkpoint stays beside the newest; resumed it stays ended", async () => {
    const scores = [0, 1, 5, 3, 2, 4, 1, 1];
    const own = join(folder, `${made++}`);
    const validate = async (step: number) => ({ score: scores[step]! });
    const result = await emptyLoop(own, { validate }, { steps: 8, patience: 4 });
    expect(result).toMatchObject({ ended: "patience", steps: 6 });
    const { metrics, checkpoints } = readRun(own);
    expect(metrics.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(metrics.map((row) => row["validation/score"])).toEqual(scores.slice(0, 7));
    expect(checkpoints.complete.map(({ step, score }) => [step, score])).toEqual([
      [2, -5],
      [6, -1],
    ]);
    expect(bestCheckpoint(checkpoints.complete)!.step).toBe(2);
    const again = await emptyLoop(own, { validate }, { steps: 8, patience: 4 });
    expect(again).toMatchObject({ ended: "patience", steps: 6 });
  });

  test("supervised fine-tuning logs its validation loss and whether it looks, before the first step too", async () => {
    const trainee = tinyTrainee(folder);
    const own = join(folder, `${made++}`);
    const options = sftParams.parse({
      steps: 12,
      clipsPerStep: 8,
      schedule,
      watch: { validateEvery: 6 },
    });
    const heldOut = toyClips(8, 2).map((clip) => ({ clip, frozenSteps: new Map<number, Uint8Array>() }));
    const progress = logged();
    using run = createRun(own, {});
    await trainSft(trainee, toyClips(32), options, { run, progress, signal }, { heldOut });
    await trainee.engine[Symbol.asyncDispose]();
    const rows = readRun(own).metrics.filter((row) => "validation/loss" in row);
    expect(rows.map(({ step }) => step)).toEqual([0, 6, 12]);
    expect(rows[2]!["validation/loss"]!).toBeLessThan(rows[0]!["validation/loss"]!);
    for (const row of rows) {
      expect(row["looks/clip"]).toBe(-row["validation/loss"]!);
      expect(row["looks/hidden"]).not.toBe(row["looks/clip"]);
      expect(row["looks/other"]).toEqual(expect.any(Number));
    }
    expect(progress.lines.filter((line) => line.includes("do not reach"))).toEqual([]);
    const [first] = readRun(own).metrics.slice(1);
    for (const part of ["vision", "merger", "language"])
      expect(first![`gradientNorm/${part}`]).toBeGreaterThan(0);
    for (const name of ["seconds", "tokensPerSecond", "samplesPerSecond", "peakMemoryMiB"])
      expect(first![`speed/${name}`]).toBeGreaterThan(0);
    expect(first!["speed/waitingShare"]).toBeLessThan(1);
    expect(readRun(own).metrics.at(-1)!["speed/secondsLeft"]).toBe(0);
    expect(Object.keys(withoutClocks(first!)).some((name) => name.startsWith("speed/"))).toBe(false);
  });

  test("clips whose pictures are hidden give vision no gradient: both are said", async () => {
    const trainee = tinyTrainee(folder);
    const options = sftParams.parse({
      steps: 1,
      clipsPerStep: 4,
      blindClipsPerStep: 4,
      schedule,
      watch: { validateEvery: 1 },
    });
    const { value } = trainee.store.get("visual.merger.mlp.2.weight");
    value.fill(0);
    trainee.store.get("visual.merger.mlp.2.bias").value.fill(0);
    const heldOut = toyClips(4, 2).map((clip) => ({ clip, frozenSteps: new Map<number, Uint8Array>() }));
    const progress = logged();
    using run = createRun(join(folder, `${made++}`), {});
    await trainSft(trainee, toyClips(8), options, { run, progress, signal }, { heldOut });
    await trainee.engine[Symbol.asyncDispose]();
    expect(progress.lines).toContainEqual(
      expect.stringMatching(/^step 0: the pictures do not reach the model/),
    );
    expect(progress.lines).toContainEqual("step 1: no gradient reaches vision, merger, though it is trained");
  });
});

describe("a step that goes wrong", () => {
  const objective = async () => sumOfLosses(await makeLosses({ "cross-entropy": {} }));
  const sftWith = async (own: string, trainee: TinyTrainee) => {
    using run = createRun(own, {});
    const options = sftParams.parse({ steps: 6, clipsPerStep: 2, checkpointEvery: 2, schedule });
    await trainSft(trainee, toyClips(16), options, { run, progress: silentProgress, signal });
  };

  test("a gradient that is no number stops the run; weights stay, and the step can be computed again", async () => {
    const own = join(folder, `${made++}`);
    const trainee = tinyTrainee(folder);
    const { engine } = trainee;
    // One number of a norm is poisoned before the fourth step: what a broken kernel or a broken file does.
    const norm = trainee.store.get("model.norm.weight").value;
    let updates = 0;
    const poisoned: Engine = Object.create(engine, {
      update: {
        value: async (...given: Parameters<Engine["update"]>) => {
          const result = await engine.update(...given);
          if (++updates === 3) norm[5] = Number.NaN;
          return result;
        },
      },
      clearGradient: { value: () => engine.clearGradient() },
      save: { value: (...given: Parameters<Engine["save"]>) => engine.save(...given) },
      statistics: { value: () => engine.statistics() },
      step: { value: engine.step },
      capabilities: { value: engine.capabilities },
    }) as Engine;
    await expect(sftWith(own, { ...trainee, engine: poisoned })).rejects.toThrow(
      /training stopped at step 4: loss(\.\S+)? is NaN.*debug-batch .*failed-step\.batch --model .*failed-step-weights/,
    );
    expect(readRun(own).checkpoints.complete.at(-1)!.step).toBe(2);
    expect(readRun(own).metrics.at(-1)!.step).toBe(3);
    const failed = await readFailedStep(join(own, "failed-step.batch"));
    expect(failed.step).toBe(4);
    norm[5] = 1;
    const [inputs] = failed.inputs;
    const { loss } = await takeStep(engine, inputs!.batches, inputs!.objective, inputs!.feeds);
    expect(Number.isFinite(loss)).toBe(true);
    expect(readdirSync(join(own, "failed-step-weights"))).toContain("model.safetensors");
    await engine[Symbol.asyncDispose]();
  });

  test("the file gives back exactly what was computed: batches, feeds, losses", async () => {
    const own = join(folder, `${made++}`);
    const losses = Array.from({ length: 40 }, (_, i) => (i < 30 ? 1 : 40));
    const random = seededRandom("fed");
    const fed = Float32Array.from({ length: 128 }, () => random.normal());
    const trainee = tinyTrainee(folder);
    const shown = toyClips(4).map((clip) => ({ clip, frozenSteps: new Map<number, Uint8Array>() }));
    const { batch } = heldOutBatches(trainee, shown)[0]!;
    const weights = fed.subarray(0, batch.scored.rows.length);
    const term = await objective();
    using run = createRun(own, {});
    const body: LoopStep = {
      compute: async (step) => {
        if (step > 29) await takeStep(trainee.engine, [batch], term, { weights });
        return { loss: losses[step - 1]! };
      },
      state: () => ({}),
      restore: () => {},
    };
    const settings = {
      steps: 40,
      schedule: { ...schedule, learningRate: 1e-9 },
      optimizer,
      checkpointEvery: 100,
    };
    await expect(runLoop(trainee, settings, { run, progress: silentProgress, signal }, body)).rejects.toThrow(
      /step 33: the loss diverges: its mean over 20 steps is 6\.850, the lowest was 1\.000/,
    );
    const { inputs } = await readFailedStep(join(own, "failed-step.batch"));
    expect(inputs).toHaveLength(1);
    const { media, ...rest } = inputs[0]!.batches[0]!;
    const { media: expectedMedia, ...expected } = batch;
    expect(rest).toEqual(expected);
    for (const [i, step] of media.entries()) {
      expect(step.content).toBe(expectedMedia[i]!.content);
      expect(await step.patches()).toEqual(await expectedMedia[i]!.patches());
    }
    expect(inputs[0]!.feeds["weights"]).toEqual(weights);
    expect(inputs[0]!.objective.key).toBe(term.key);
    await expect(readFailedStep(join(own, "metrics.jsonl"))).rejects.toThrow(
      /not a failed step|not a message/,
    );
    await trainee.engine[Symbol.asyncDispose]();
  });

  test("a single high loss is no divergence, and where it may rise nothing is", () => {
    const watch = new LoopWatch({ ...usualWatch, divergence: 4 });
    const told = Array.from({ length: 60 }, (_, i) => watch.trouble({ loss: i === 40 ? 50 : 1 }));
    expect(told.every((one) => one === undefined)).toBe(true);
    const free = new LoopWatch({ ...usualWatch, divergence: null });
    for (let i = 0; i < 60; i++) expect(free.trouble({ loss: i * 10 })).toBeUndefined();
    expect(free.trouble({ "loss.contrastive": Number.POSITIVE_INFINITY })).toBe(
      "loss.contrastive is Infinity",
    );
    expect(free.trouble({ accuracy: Number.NaN })).toBeUndefined();
  });
});
