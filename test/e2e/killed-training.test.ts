import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAnswers, readRun } from "../../src/runs/read-run.ts";
import { makeTrainingSet, trainingModel } from "../training-set.ts";
import { killTraining, leftBehind, trainCommand, trainingLoops } from "./killed-training.ts";

test("SFT, an adapter's and GRPO killed at 6 random moments end as the undisturbed run, bit for bit", async () => {
  const work = mkdtempSync(join(tmpdir(), "kill-"));
  const { kills, compared } = await killTraining(trainingLoops, work, "e2e", 6);
  expect(kills).toBe(6);
  expect(compared).toBeGreaterThan(0);
  // What is compared would see a single changed number.
  const whole = leftBehind(join(work, "whole"), trainingLoops);
  const run = readRun(join(work, "whole", "grpo"));
  // As long as before: a checkpoint whose files have another length counts as broken off.
  const weights = join(run.checkpoints.complete.at(-1)!.folder, "model.safetensors");
  const bytes = readFileSync(weights);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(weights, bytes);
  const changed = leftBehind(join(work, "whole"), trainingLoops);
  expect(Object.keys(whole).filter((what) => whole[what] !== changed[what])).toEqual([
    "grpo/model.safetensors",
  ]);
  rmSync(work, { recursive: true });
});

test.each([
  ["everything", []],
  ["an adapter", ["lora.rank=4", "lora.vision=true"]],
])("train (%s) killed at 3 random moments ends as the undisturbed run, bit for bit", async (_, settings) => {
  const work = mkdtempSync(join(tmpdir(), "kill-train-"));
  const model = trainingModel(work);
  const program = trainCommand(model, await makeTrainingSet(work), "run", settings);
  const { kills, compared } = await killTraining(program, work, "e2e", 3);
  expect(kills).toBe(3);
  expect(compared).toBeGreaterThan(0);
  // Answers about the clip, its twin and the control are among what is compared.
  expect(readAnswers(join(work, "whole", "run")).map(({ shown }) => shown)).toContain("control");
  rmSync(work, { recursive: true });
});
