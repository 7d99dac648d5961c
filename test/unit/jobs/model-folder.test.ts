import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { JobContext } from "../../../src/jobs/job-context.ts";
import { modelFolder } from "../../../src/jobs/model-folder.ts";

const root = mkdtempSync(join(tmpdir(), "model-folder-"));
afterAll(() => rmSync(root, { recursive: true }));
const context = {} as JobContext;

test("a folder of several runs names them, also where it has a config.json of its own, as a quickstart's has", async () => {
  const folder = join(root, "quickstart");
  for (const run of ["sft", "comparative-grpo"])
    mkdirSync(join(folder, run, "checkpoints"), { recursive: true });
  const told =
    /several runs: --model .*comparative-grpo, sft; e\.g\. --model .*quickstart\/comparative-grpo$/;
  await expect(modelFolder(folder, "--model", context)).rejects.toThrow(told);
  writeFileSync(join(folder, "config.json"), "{}");
  await expect(modelFolder(folder, "--model", context)).rejects.toThrow(told);
  writeFileSync(join(folder, "model.safetensors"), "");
  expect(await modelFolder(folder, "--model", context)).toBe(folder);
});

test("of a Trainer's folder the newest checkpoint with a model or an adapter is taken, unless it holds one itself", async () => {
  const folder = join(root, "trainer");
  for (const step of ["500", "1000", "1500"])
    mkdirSync(join(folder, `checkpoint-${step}`), { recursive: true });
  writeFileSync(join(folder, "checkpoint-500", "config.json"), "{}");
  writeFileSync(join(folder, "checkpoint-1000", "adapter_config.json"), "{}");
  expect(await modelFolder(folder, "--model", context)).toBe(join(folder, "checkpoint-1000"));
  writeFileSync(join(folder, "config.json"), "{}");
  expect(await modelFolder(folder, "--model", context)).toBe(folder);
});

test("a file is no model, and says whose folder to give", async () => {
  const file = join(root, "weights.safetensors");
  writeFileSync(file, "");
  await expect(modelFolder(file, "--model", context)).rejects.toThrow(
    /a file, not a folder.*give its folder/,
  );
});
