import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { createRun } from "../../src/runs/run.ts";
import { trainComparativeGrpo } from "../../src/training/comparative-grpo.ts";
import { grpoParams } from "../../src/training/grpo-options.ts";
import { tinyLanguage, tinyTrainee, toyClips } from "../unit/training/tiny.ts";
import { pluginFile } from "./run-command.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reinforcement-"));
  await loadPlugin(pluginFile("first-word.ts"));
  await loadPlugin(pluginFile("above-best.ts"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the loop on the toy with nothing but the plug-ins' reward. */
const train = async (name: string, options: Readonly<Record<string, unknown>>): Promise<string> => {
  const parsed = grpoParams.parse({
    steps: 30,
    promptsPerStep: 8,
    completions: 6,
    maxNewTokens: 2,
    lambda: 0,
    beta: 0,
    schedule: { learningRate: 2e-2, warmupSteps: 0 },
    ...options,
  });
  const trainee = tinyTrainee(folder);
  const prompts = toyClips(16).flatMap((clip) => clip.texts.map((text) => ({ clip, text })));
  const out = join(folder, name);
  using run = createRun(out, parsed);
  const context = { run, progress: silentProgress, signal: new AbortController().signal };
  await trainComparativeGrpo(trainee, prompts, parsed, tinyLanguage, context);
  await trainee.engine[Symbol.asyncDispose]();
  return out;
};

test("a reward in one file is what the model learns, with its parameters in the run's record", async () => {
  const out = await train("reward", { rewards: { "first-word": { weight: 1, params: { word: "dark" } } } });
  const { config, metrics } = readRun(out);
  expect(config).toMatchObject({ rewards: { "first-word": { weight: 1, params: { word: "dark" } } } });
  const rewards = metrics.map((row) => Number(row["baseReward"]));
  expect(rewards.at(0)).toBeLessThan(0.3);
  expect(rewards.at(-1)).toBeGreaterThan(0.8);
  const [row] = readRollouts(out).slice(-1);
  expect(row!.complete.map(({ rewards }) => Object.keys(rewards))).toEqual(
    row!.complete.map(() => ["first-word"]),
  );
});

test("an advantage in one file replaces ours, and its memory is kept", async () => {
  const out = await train("advantage", {
    steps: 4,
    rewards: { "first-word": 1 },
    advantage: { name: "above-best", params: { start: 0.5 } },
  });
  const rollouts = readRollouts(out);
  let best = 0.5;
  for (const { complete, group } of rollouts) {
    expect(group!["baseline"]).toBe(best);
    for (const { rewards, advantages } of complete)
      expect(advantages!["total"]).toBeCloseTo(rewards["first-word"]! - best, 6);
    best = Math.max(best, ...complete.map(({ rewards }) => rewards["first-word"]!));
  }
  await expect(train("none", { advantage: { name: "above-bst" } })).rejects.toThrow(
    'unknown advantage "above-bst"; did you mean "above-best"?',
  );
});
