/** A run that trains an adapter only: its checkpoints are PEFT folders with the optimizer's state, and it goes on from them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { openEngine } from "../../../src/engine/engines.ts";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun, resumeRun } from "../../../src/runs/run.ts";
import type { Trainee } from "../../../src/training/loop.ts";
import { trainSft } from "../../../src/training/sft.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import { newAdapter } from "../../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../../src/weights/write-adapter.ts";
import { tinyConfig, tinyStore, tinyTokens, toyClips } from "./tiny.ts";

const config = tinyConfig();
let work: string;
let base: string;
let adapterFolder: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "lora-run-"));
  base = join(work, "base");
  saveCheckpoint(base, config, tinyStore(config).tensors(), { dtype: "float32" });
  adapterFolder = join(work, "new adapter");
  const model = adaptedModel(config);
  const shape = { targets: ["q_proj", "v_proj", "down_proj"], rank: 4, alpha: 8, rsLora: true };
  writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("adapter")), model);
});
afterAll(() => rmSync(work, { recursive: true }));

/** Trains to `steps` of 8 in a folder, or goes on there. */
const train = async (engineName: string, folder: string, stopAt: number): Promise<void> => {
  const choice = { engine: engineName, threads: 1 };
  const { engine } = await openEngine(choice, { folder: base, trained: "adapter", adapterFolder });
  const trainee: Trainee = { engine, rules: batchRules(config), tokens: tinyTokens, tokenizerFolder: base };
  const stop = new AbortController();
  const options = sftParams.parse({
    steps: 8,
    checkpointEvery: 3,
    clipsPerStep: 4,
    schedule: { learningRate: 1e-2, warmupSteps: 2 },
  });
  const progress = { ...silentProgress, update: (step: number) => void (step === stopAt && stop.abort()) };
  using run = existsSync(join(folder, "config.json")) ? resumeRun(folder) : createRun(folder, {});
  try {
    await trainSft(trainee, toyClips(16), options, { run, progress, signal: stop.signal });
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error;
  } finally {
    await engine[Symbol.asyncDispose]();
  }
};

test.each(["onnx:execution=whole", "onnx:execution=layerwise", "loopback"])(
  "an adapter's run on %s checkpoints as PEFT with moments, and a resumed one ends bit-equal",
  async (engine) => {
    const [whole, stopped] = [join(work, `${engine} whole`), join(work, `${engine} stopped`)];
    await train(engine, whole, 99);
    await train(engine, stopped, 5);
    expect(readRun(stopped).checkpoints.complete.at(-1)!.step).toBe(5);
    await train(engine, stopped, 99);
    const files = ["adapter_model.safetensors", "adapter_config.json", "optimizer.safetensors"];
    const [first, second] = [whole, stopped].map((folder) => {
      const last = readRun(folder).checkpoints.complete.at(-1)!;
      expect(last.step).toBe(8);
      expect(existsSync(join(last.folder, "model.safetensors"))).toBe(false);
      return files.map((name) => readFileSync(join(last.folder, name)));
    });
    expect(second).toEqual(first);
    const losses = readRun(whole).metrics.map(({ loss }) => loss!);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  },
);
