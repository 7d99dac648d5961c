/** A clip is read once for all that a run needs of it, and reading begins before the model is there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { openClips } from "../../../src/jobs/clips.ts";
import { openTrainee } from "../../../src/jobs/train/open-trainee.ts";
import { prepare, readingSettings } from "../../../src/jobs/train/prepare.ts";
import {
  type ClipReader,
  type ReadRequest,
  readingMeans,
  readUnit,
} from "../../../src/jobs/train/reading.ts";
import { openTrainingRun } from "../../../src/jobs/train/run-config.ts";
import { beginTraining } from "../../../src/jobs/train/run-loop.ts";
import { parseSettings } from "../../../src/jobs/train/settings.ts";
import { makeTrainingSet, trainingModel } from "../../training-set.ts";

let folder: string;
let model: string;
let set: string;
const { signal } = new AbortController();
const context = { progress: () => silentProgress, signal, warn: () => {} };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "read-once-"));
  model = trainingModel(folder);
  set = await makeTrainingSet(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a recipe. @returns how often each unit was read, and how many were asked for before the model was opened */
const readsOf = async (recipe: string, name: string, given: readonly string[]) => {
  const common = ["look.minPixels=784", "look.maxPixels=4704", "positionsPerBatch=512", ...given];
  const request = { recipe, model, data: [set], settings: parseSettings(common) };
  const prepared = await prepare(request, context);
  await using clips = openClips({ decoder: "auto", cache: false, cacheSize: 0, workers: 1 }, () => {});
  const reading = await readingSettings(prepared);
  const means = await readingMeans(reading, clips, prepared.dropped);
  const reads = new Map<ReadRequest["unit"], number>();
  const reader: ClipReader = {
    read: async (one, stop) => {
      reads.set(one.unit, (reads.get(one.unit) ?? 0) + 1);
      return (await readUnit(one, means, reading.seed, stop)) as never;
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const out = join(folder, name);
  using run = openTrainingRun(out, {}, false);
  const loop = beginTraining({ prepared, means, reader, run, progress: silentProgress, signal });
  const early = reads.size;
  const { trained, lora } = prepared.resolved.common;
  const opening = { model, config: prepared.config, trained, lora, seed: 1, folder: out };
  const { trainee } = await openTrainee({ ...opening, engine: { threads: 1 }, features: undefined });
  await using _ = trainee.engine;
  await loop(trainee);
  return { counts: [...reads.values()], early };
};

const once = (counts: readonly number[]): boolean => counts.every((count) => count === 1);

test("sft: of every epoch the first reads, and the first step's clips before the model", async () => {
  const given = ["steps=4", "clipsPerStep=3", "monitor.every=0"];
  const kept = await readsOf("sft", "sft", given);
  expect(kept.counts.length).toBeGreaterThan(4);
  expect(kept.early).toBe(3);
  // Only what cannot be had is tried again.
  expect(kept.counts.filter((count) => count > 1).length).toBeLessThanOrEqual(1);
  const more = [...given, "steps=12", "keptMegabytes=0"];
  const again = await readsOf("sft", "sft anew", more);
  expect(again.counts.filter((count) => count > 1).length).toBeGreaterThan(4);
}, 60_000);

test("dpo: what the stored reference was computed on is trained on", async () => {
  const given = [
    "steps=3",
    "clipsPerStep=2",
    "pairs=[twin]",
    "lora=null",
    "reference=stored",
    "watch.validateEvery=0",
  ];
  const kept = await readsOf("dpo", "dpo", given);
  expect(kept.counts.length).toBeGreaterThan(2);
  expect(once(kept.counts)).toBe(true);
  const anew = await readsOf("dpo", "dpo anew", [...given, "keptMegabytes=0"]);
  expect(Math.min(...anew.counts)).toBeGreaterThan(1);
}, 60_000);

test("grpo: what the prefilter asked about is trained on", async () => {
  const given = ["steps=2", "promptsPerStep=2", "completions=2", "maxNewTokens=2", "prefilter.draws=1"];
  const own = [...given, "prefilter.share=1", "refeedTries=0", "beta=0", "watch.validateEvery=0"];
  const { counts } = await readsOf("videoperceiver-grpo", "grpo", [...own, "instructionGuard.prompts=0"]);
  expect(counts.length).toBeGreaterThan(2);
  expect(once(counts)).toBe(true);
}, 60_000);
