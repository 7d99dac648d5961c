/** Completions by a server whose numbers are not the trainer's: measured, made up for, and too much is an error. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { rolloutProviders } from "../../../src/engine/rollouts.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun } from "../../../src/runs/run.ts";
import { clipPromptLayout, type Prompt, promptsInMemory } from "../../../src/training/clip-prompts.ts";
import { trainComparativeGrpoFrom } from "../../../src/training/comparative-grpo.ts";
import { grpoParams } from "../../../src/training/grpo-options.ts";
import { correctedFeeds } from "../../../src/training/rollout-correction.ts";
import { standInVllm, type VllmBehaviour } from "../../stand-in/vllm-server.ts";
import { adaptedTrainee } from "../engine/adapted-trainee.ts";
import { tinyLanguage as language, tinyConfig, toyClips } from "./tiny.ts";

test("a token's weight is the ratio of its probabilities, at most the cap; padding and other feeds stay", () => {
  const feeds = {
    weights: Float32Array.of(0.5, 0.5, 0.25, 0),
    advantages: Float32Array.of(1, -1, 2, 0),
    oldLogprobs: Float32Array.of(-1, -2, -3, 0),
  };
  const trainer = Float32Array.of(-1 + Math.log(0.5), -2 + Math.log(1.5), -3 + Math.log(8), -40);
  const rules = { cap: 2, mostDifference: 2 };
  const { feeds: made, metrics } = correctedFeeds(feeds, [0, 1, 2], trainer, rules);
  [0.25, 0.75, 0.5, 0].forEach((weight, i) => void expect(made.weights[i]).toBeCloseTo(weight, 5));
  expect(made.oldLogprobs).toBe(trainer);
  expect(made.advantages).toBe(feeds.advantages);
  expect(feeds.weights[0], "what was given stays").toBe(0.5);
  expect(metrics["rolloutDifference"]).toBeCloseTo((Math.log(2) + Math.log(1.5) + Math.log(8)) / 3, 5);
  expect(metrics["rolloutDifferenceMost"]).toBeCloseTo(Math.log(8), 5);
  expect(metrics["rolloutWeight"]).toBeCloseTo((0.5 + 1.5 + 2) / 3, 5);
  expect(metrics["rolloutCapped"]).toBeCloseTo(1 / 3, 5);
  const refused =
    /^roll-outs of another model than the trained one; expected log-probabilities at most 1 nats[^\n]*got 1\.0/;
  expect(() => correctedFeeds(feeds, [0, 1, 2], trainer, { ...rules, mostDifference: 1 })).toThrow(refused);
  const broken = Float32Array.of(Number.NaN, 0, 0, 0);
  expect(() => correctedFeeds(feeds, [0, 1, 2], broken, rules)).toThrow("got NaN");
});

test("as many tokens as long answers have", () => {
  const count = 1 << 18;
  const numbers = (value: number): Float32Array => new Float32Array(count).fill(value);
  const feeds = { weights: numbers(1), advantages: numbers(1), oldLogprobs: numbers(-1) };
  const trainer = numbers(-1);
  trainer[count - 1] = -1.5;
  const rules = { cap: 2, mostDifference: 1 };
  const { metrics } = correctedFeeds(feeds, [...feeds.weights.keys()], trainer, rules);
  expect(metrics["rolloutDifferenceMost"]).toBe(0.5);
});

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "correction-"));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A run of two steps whose completions a server draws. @returns its metrics and what the server saw */
const run = async (name: string, behaviour: VllmBehaviour, given: object = {}) => {
  const trainee = await adaptedTrainee(join(work, name), tinyConfig());
  const { engine, config } = trainee;
  await using server = await standInVllm(trainee.folder, behaviour);
  const rollouts = { name: "vllm", params: { url: server.url, patienceSeconds: 0.4 }, ...given };
  const options = grpoParams.parse({
    steps: 2,
    promptsPerStep: 4,
    completions: 3,
    maxNewTokens: 3,
    prefilter: { draws: 0 },
    schedule: { learningRate: 0.05, warmupSteps: 0 },
    rollouts,
  });
  const { value: open } = await rolloutProviders.make(options.rollouts!.name, options.rollouts!.params);
  const folder = join(work, name, "run");
  try {
    using context = createRun(folder, {});
    await using drawing = await open({
      engine,
      config,
      folder: join(folder, "adapters"),
      log: () => undefined,
    });
    const clips = toyClips(8);
    const prompts = clips.map((clip): Prompt => ({ clip, text: clip.texts[0]! }));
    const { decode, endToken } = language;
    await trainComparativeGrpoFrom(
      trainee,
      promptsInMemory(prompts, options),
      clipPromptLayout(trainee, language, options),
      options,
      { decode, endToken, instruction: "look" },
      { run: context, progress: silentProgress, signal: new AbortController().signal },
      { rollouts: drawing },
    );
  } finally {
    await engine[Symbol.asyncDispose]();
  }
  return { metrics: readRun(folder).metrics, loaded: server.loaded };
};

test("a run draws from the weights of every step, and what it trains on is as drawn", async () => {
  const { metrics, loaded } = await run("alike", {});
  expect(metrics).toHaveLength(2);
  for (const row of metrics) {
    expect(row["rolloutDifferenceMost"]!).toBeLessThan(1e-4);
    expect(row["ratioMean"]!).toBeCloseTo(1, 4);
    expect(row["gradientNorm"]!).toBeGreaterThan(0);
  }
  expect(loaded).toHaveLength(2);
});

test("numbers that are off by a little weigh less, off by much end the run", async () => {
  const { metrics } = await run("off", { shift: 0.05 });
  expect(metrics[0]!["rolloutDifference"]!).toBeCloseTo(0.05, 4);
  expect(metrics[0]!["rolloutWeight"]!).toBeCloseTo(Math.exp(-0.05), 4);
  expect(metrics[0]!["ratioMean"]!).toBeCloseTo(Math.exp(-0.05), 4);
  await expect(run("far off", { shift: 0.5 })).rejects.toThrow(
    "roll-outs of another model than the trained one",
  );
  const { metrics: borne } = await run("borne", { shift: -1 }, { mostDifference: 2, cap: 1.5 });
  expect(borne[0]!["rolloutWeight"]!).toBeCloseTo(1.5, 4);
  expect(borne[0]!["rolloutCapped"]).toBe(1);
});
