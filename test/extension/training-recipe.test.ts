import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRun } from "../../src/runs/read-run.ts";
import { makeTrainingSet, trainingModel } from "../training-set.ts";
import { pluginFile, runCommand } from "./run-command.ts";

let folder: string;
let model: string;
let set: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "recipe-"));
  model = trainingModel(folder);
  set = await makeTrainingSet(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...args: readonly string[]): ReturnType<typeof runCommand> =>
  runCommand("train", "right-angles", "--model", model, "--data", set, "--threads", "1", ...args);
const plugins = ["right-angles.ts", "apart.ts"].flatMap((file) => ["--plugin", pluginFile(file)]);
const small = ["look.minPixels=784", "look.maxPixels=4704", "steps=12"].flatMap((one) => ["--set", one]);

test("a recipe in one file trains with a loss in another, on a state of another block", () => {
  const out = join(folder, "run");
  const ended = train(...plugins, ...small, "--out", out);
  expect(ended.status, ended.stderr).toBe(0);
  const { config, metrics } = readRun(out);
  expect(config).toMatchObject({
    recipe: "right-angles",
    settings: { losses: { apart: { block: 1 } }, clipsPerStep: 7 },
  });
  const shares = metrics.map((row) => Number(row["loss.apart"]));
  expect(shares).toHaveLength(12);
  // All clips are in every step: three with twins, which can be parted, and two without, which cannot. Each pair that is
  // parted takes a fifth; which pair is left last hangs on the last bits of the pixels, so two of three are asked for.
  expect(shares[0]!).toBeGreaterThan(0.7);
  expect(shares.at(-1)!).toBeLessThan(0.65);
  // Its file is named where it is missing: a run is gone on with by the same words.
  expect(train(...small, "--out", out, "--resume").stderr).toMatch(/^unknown training recipe "right-angles"/);
});
