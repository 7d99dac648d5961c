import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRun } from "../../src/runs/read-run.ts";
import { killTraining, leftBehind } from "./killed-training.ts";

test("SFT, an adapter's and GRPO killed at 6 random moments end as the undisturbed run, bit for bit", async () => {
  const work = mkdtempSync(join(tmpdir(), "kill-"));
  const { kills, compared } = await killTraining(work, "e2e", 6);
  expect(kills).toBe(6);
  expect(compared).toBeGreaterThan(0);
  // What is compared would see a single changed number.
  const whole = leftBehind(join(work, "whole"));
  const run = readRun(join(work, "whole", "grpo"));
  // As long as before: a checkpoint whose files have another length counts as broken off.
  const weights = join(run.checkpoints.complete.at(-1)!.folder, "model.safetensors");
  const bytes = readFileSync(weights);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(weights, bytes);
  const changed = leftBehind(join(work, "whole"));
  expect(Object.keys(whole).filter((what) => whole[what] !== changed[what])).toEqual([
    "grpo/model.safetensors",
  ]);
  rmSync(work, { recursive: true });
});
