import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { seededRandom } from "../../src/core/random.ts";
import { takeStep } from "../../src/engine/take-step.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
import { makeLosses, sumOfLosses } from "../../src/objectives/losses.ts";
import { readRun } from "../../src/runs/read-run.ts";
import { createRun } from "../../src/runs/run.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftBatches } from "../../src/training/sft-batches.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { tinyTokens, tinyTrainee, toyClips } from "../unit/training/tiny.ts";
import { pluginFile } from "./run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "loss-"));
const clips = toyClips(16);
beforeAll(() => loadPlugin(pluginFile("apart.ts")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
const optionsWith = (losses: Readonly<Record<string, object>>) =>
  sftParams.parse({
    ...contrast,
    steps: 30,
    clipsPerStep: 8,
    schedule: { learningRate: 5e-3, warmupSteps: 0 },
    losses,
  });

test("a loss in one file is trained beside those of another block, logged and recorded", async () => {
  const losses = { ...contrast.losses, apart: { block: 1, weight: 1 } };
  const options = optionsWith(losses);
  const trainee = tinyTrainee(folder);
  const out = join(folder, "run");
  {
    using run = createRun(out, options);
    const context = { run, progress: silentProgress, signal: new AbortController().signal };
    await trainSft(trainee, clips, options, context);
  }
  await trainee.engine[Symbol.asyncDispose]();
  const { config, metrics } = readRun(out);
  expect(config).toMatchObject({ losses });
  const shares = metrics.map((row) => Number(row["loss.apart"]));
  metrics.forEach((row, at) => {
    const parts = Object.keys(losses).map((name) => Number(row[`loss.${name}`]));
    expect(Number(row["loss"])).toBeCloseTo(
      parts.reduce((a, b) => a + b),
      4,
    );
    // The mean of squares is never below the square of the mean.
    expect(shares[at]!).toBeGreaterThanOrEqual(Number(row["twinCosine"]) ** 2 - 1e-6);
  });
  expect(shares.at(0)!).toBeGreaterThan(0.5);
  expect(shares.at(-1)!).toBeLessThan(0.5 * shares.at(0)!);
});

test("its gradient reaches what stands before its block, nothing behind, and agrees with finite differences", async () => {
  const objective = sumOfLosses(await makeLosses({ apart: { block: 2 } }));
  const trainee = tinyTrainee(folder);
  const { engine, store, rules } = trainee;
  const means = { rules, tokens: tinyTokens, instruction: [], queue: undefined };
  const { batches, feeds } = sftBatches(clips.slice(0, 4), objective, means, optionsWith({ apart: {} }), 1);
  const loss = async (): Promise<number> => {
    await engine.clearGradient();
    return (await takeStep(engine, batches, objective, feeds)).loss;
  };
  await loss();
  const reached: string[] = [];
  const random = seededRandom("direction");
  for (const { name, value, gradient } of store.trained()) {
    const derived = gradient!.slice();
    const norm = Math.hypot(...derived);
    if (norm === 0) continue;
    reached.push(name);
    if (!/^model\.layers\.[01]\.self_attn\.[qv]_proj\.weight|^visual\.merger\.mlp\.2\.weight/.test(name))
      continue;
    // Half along the gradient, so that there is something to measure, half anywhere.
    const noise = Float64Array.from(value, () => random.normal());
    const length = Math.hypot(...noise);
    const direction = Float64Array.from(derived, (g, i) => g / norm + noise[i]! / length);
    const expected = derived.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    const start = value.slice();
    const at = async (h: number): Promise<number> => {
      start.forEach((x, i) => {
        value[i] = x + h * direction[i]!;
      });
      return loss();
    };
    const h = 1e-2;
    const numeric = ((await at(h)) - (await at(-h))) / (2 * h);
    value.set(start);
    await loss();
    expect(Math.abs(numeric - expected), name).toBeLessThan(2e-2 * Math.abs(expected));
  }
  await engine[Symbol.asyncDispose]();
  expect(reached.some((name) => name.startsWith("model.layers.0."))).toBe(true);
  expect(reached.some((name) => name.startsWith("model.layers.1."))).toBe(true);
  expect(reached.some((name) => name.startsWith("visual."))).toBe(true);
  expect(reached.filter((name) => /^model\.layers\.2\.|^model\.norm|^lm_head/.test(name))).toEqual([]);
});
