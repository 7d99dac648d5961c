/** Training through another process: what is sent, and what happens when that process dies. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineLostError, messageOf } from "../../src/core/errors.ts";
import { type LoopbackOptions, type OpenedLoopback, openLoopback } from "../../src/engine/loopback/open.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { readRun } from "../../src/runs/read-run.ts";
import { createRun, resumeRun } from "../../src/runs/run.ts";
import { sftLosses } from "../../src/training/contrast.ts";
import type { Trainee } from "../../src/training/loop.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { tinyConfig, tinyStore, tinyTokens, toyClips } from "../unit/training/tiny.ts";
import { withoutClocks } from "../without-clocks.ts";

const config = tinyConfig();
const clips = toyClips(16);
let work: string;
let checkpoint: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "loopback-"));
  checkpoint = join(work, "checkpoint");
  saveCheckpoint(checkpoint, config, tinyStore(config).tensors(), { dtype: "float32" });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const open = (more: Partial<LoopbackOptions> = {}): Promise<OpenedLoopback> =>
  openLoopback({ folder: checkpoint, trained: "all", threads: 1, ...more });
const options = sftParams.parse({
  steps: 8,
  clipsPerStep: 8,
  checkpointEvery: 2,
  schedule: { learningRate: 5e-3, warmupSteps: 2 },
  ...sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 }),
});
/** Trains in a run folder, or goes on with it. */
const train = async (
  { engine }: OpenedLoopback,
  folder: string,
  resume: boolean,
  onStep: (step: number) => void = () => {},
): Promise<void> => {
  const trainee: Trainee = { engine, rules: batchRules(config), tokens: tinyTokens, tokenizerFolder: work };
  using run = resume ? resumeRun(folder) : createRun(folder, {});
  const progress = { update: onStep, log: () => {} };
  await trainSft(trainee, clips, options, { run, progress, signal: new AbortController().signal });
};
const rows = (folder: string): unknown[] => readRun(folder).metrics.map(withoutClocks);

test("pictures are sent in the first epoch only; a worker that forgets them asks again", async () => {
  const own = join(work, "epochs");
  const opened = await open();
  await using engine = opened.engine;
  const sent: number[] = [];
  await train(opened, own, false, () => sent.push(engine.statistics().mediaBytesSent));
  // 16 clips, 8 a step: the second step ends the first epoch.
  expect(sent[0]!).toBeGreaterThan(0);
  expect(sent[1]!).toBeGreaterThan(sent[0]!);
  expect(sent.slice(2)).toEqual(new Array(6).fill(sent[1]));
  const forgetful = await open({ mediaBytes: 0 });
  await using other = forgetful.engine;
  await train(forgetful, join(work, "forgetful"), false);
  expect(other.statistics().mediaBytesSent).toBeGreaterThan(2 * sent[1]!);
  expect(rows(join(work, "forgetful"))).toEqual(rows(own));
});

test("a killed process is one line, and the run goes on from its checkpoint as though nothing had been", async () => {
  const own = join(work, "killed");
  const first = await open();
  const failed = await train(first, own, false, (step) => {
    if (step === 5) process.kill(first.processId, "SIGKILL");
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(EngineLostError);
  expect(messageOf(failed)).toMatch(
    /^the engine was lost: rank 0 on \S+, \w+; got .*; resume from the last checkpoint$/,
  );
  expect((failed as EngineLostError).loss).toMatchObject({ rank: 0 });
  await expect(first.engine.clearGradient()).rejects.toThrow(EngineLostError);
  await first.engine[Symbol.asyncDispose]();
  const second = await open();
  await using _ = second.engine;
  await train(second, own, true);
  const whole = await open();
  await using __ = whole.engine;
  await train(whole, join(work, "whole"), false);
  expect(rows(own)).toEqual(rows(join(work, "whole")));
  const weights = (folder: string): Buffer =>
    readFileSync(join(readRun(folder).checkpoints.complete.at(-1)!.folder, "model.safetensors"));
  expect(weights(own).equals(weights(join(work, "whole")))).toBe(true);
});

test("a process that does not answer in time is lost; one that cannot open the model says why", async () => {
  const { engine, processId } = await open({ deadlineSeconds: 1 });
  process.kill(processId, "SIGSTOP");
  await expect(engine.clearGradient()).rejects.toThrow(
    /engine was lost.*no answer to clearGradient within 1 s/,
  );
  await engine[Symbol.asyncDispose]();
  await expect(open({ folder: join(work, "nothing") })).rejects.toThrow(/config\.json/);
});
