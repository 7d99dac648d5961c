/** What a step asks of a machine, against numbers that were counted by hand; rates against loads that they were made of. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fitRates } from "../../../src/jobs/engine/fit-rates.ts";
import { rateStepsOf, rateWorkOf } from "../../../src/jobs/engine/rate-steps.ts";
import type { LanguageLoop } from "../../../src/jobs/train/loops.ts";
import {
  type MachineRates,
  ratesFormat,
  readRates,
  secondsOf,
  sheetRates,
} from "../../../src/jobs/train/machine-rates.ts";
import { plannedBytes } from "../../../src/jobs/train/plan-memory.ts";
import { parseSettings, resolveSettings } from "../../../src/jobs/train/settings.ts";
import {
  drawLoads,
  hostCosts,
  ownRows,
  passLoad,
  type Spreading,
  type StepLoad,
  updateLoad,
} from "../../../src/jobs/train/step-load.ts";
import { type RowsPass, stepPlan } from "../../../src/jobs/train/step-plan.ts";
import { smallConfig } from "../model/small-config.ts";

const config = smallConfig();
const spreading: Spreading = {
  config,
  parts: { trained: "all", lora: null },
  gpus: 1,
  positionsPerBatch: 1000,
  keepsScores: false,
  isOnGpu: false,
};
// 32 wide, 48 inside, 4 heads of 8 (2 for keys), 2 blocks, 64 words.
const row = { positions: 100, context: 100, depth: 1, patches: 0, scored: 10 };
const pass: RowsPass = { rows: 1, length: 100, flows: [row] };
const products = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 48) * 2;
const attention = 4 * 100 * 32 * 2;

test("a text through the model: products, bytes of its blocks, calls, its mask", () => {
  const load = passLoad(pass, spreading, false);
  const head = 2 * 10 * 64 * 32;
  expect(load.operations).toBe(100 * (products + attention) + head);
  const block = 98 * 32 + 38 * 32 + 24 * 16 + 16 * 48;
  expect(load.bytes).toBe(100 * 2 * (block + 4 * 100 * 10) + 10 * 64 * 24);
  expect(load.storedBytes).toBe((products / 2 + 64 * 32) * 14);
  expect(load.calls).toBeCloseTo(2 * hostCosts.forward + hostCosts.pass, 12);
  expect(load.hostNumbers).toBe(100 ** 2);
  // Backward: four times the products, half a time the scores more; the bytes between four times.
  const trained = passLoad(pass, spreading, true);
  expect(trained.operations).toBe(4 * load.operations + 100 * 0.5 * attention);
  expect(trained.bytes).toBe(100 * 2 * (block + 4 * 100 * 10) * 4 + 10 * 64 * 24 * 2);
});

test("on a GPU fused attention reads its mask only; attention that keeps scores writes them", () => {
  const bytes = (change: Partial<Spreading>): number =>
    passLoad(pass, { ...spreading, ...change }, false).bytes;
  const scores = 100 * 2 * 4 * 100;
  expect(bytes({}) - bytes({ isOnGpu: true })).toBe(scores * 8);
  expect(bytes({ isOnGpu: true, keepsScores: true }) - bytes({ isOnGpu: true })).toBe(scores * 22);
  const held = { ...spreading, holdsReference: false, processBytes: 0 };
  const plan = { forward: [], trained: [pass], drawn: [] };
  const kept = plannedBytes({ ...held, keepsScores: true }, plan).activations;
  expect(kept - plannedBytes(held, plan).activations).toBe(14 * 100 * 100 * 4);
});

test("the GPU that has most: rows are not cut, batches hold what fits", () => {
  const shown = { rows: 16, length: 400 };
  expect(ownRows(shown, { gpus: 1, positionsPerBatch: 1000 })).toEqual({
    rows: 16,
    batches: 8,
    rowsPerBatch: 2,
  });
  expect(ownRows(shown, { gpus: 64, positionsPerBatch: 1000 }).rows).toBe(1);
  expect(ownRows(shown, { gpus: 3, positionsPerBatch: 100 })).toEqual({
    rows: 6,
    batches: 6,
    rowsPerBatch: 1,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 9999 }),
      (rows, gpus, positionsPerBatch) => {
        const own = ownRows({ rows, length: 100 }, { gpus, positionsPerBatch });
        expect(own.rows * gpus).toBeGreaterThanOrEqual(rows);
        expect(own.batches * own.rowsPerBatch).toBeGreaterThanOrEqual(own.rows);
        expect((own.batches - 1) * own.rowsPerBatch).toBeLessThan(own.rows);
        if (own.rowsPerBatch > 1) expect(own.rowsPerBatch * 100).toBeLessThanOrEqual(positionsPerBatch);
      },
    ),
  );
});

test("drawing: each token reads weights, and all keys and values three times; the host weighs all words", () => {
  const draw = { times: 3, read: { ...pass, rows: 2 }, completions: 5, tokens: 7 };
  const [read, drawn] = drawLoads(draw, spreading);
  const cached = 2 * 2 * 16 * 2;
  const seen = 100 + 7 / 2;
  const weights = products / 2 + 64 * 32;
  expect(drawn.storedBytes).toBeCloseTo(3 * 7 * (3 * 10 * seen * cached + 2 * weights), 6);
  expect(drawn.hostNumbers).toBe(3 * 7 * 2 * 10 * 64);
  expect(drawn.calls).toBeCloseTo(3 * 7 * (2 + 0.05 * 10), 9);
  expect(read.hostNumbers).toBe(3 * 2 * 100 ** 2);
  // Two prompts on three GPUs: one each, the third has none.
  const [, spread] = drawLoads(draw, { ...spreading, gpus: 3 });
  expect(spread.hostNumbers).toBe(drawn.hostNumbers / 2);
});

test("rows of a step are rounded up as its batches are; prompts are drawn in the pieces that their positions allow", async () => {
  const shown = {
    clips: 9,
    frames: 8,
    pixels: 112 ** 2,
    questionTokens: 10,
    answerTokens: 7,
    replaced: 0.25,
  };
  const planned = async (recipe: string, ...given: string[]) => {
    const request = { recipe, model: "", data: [], settings: parseSettings(["steps=3", ...given]) };
    const { chosen } = await resolveSettings(request, shown.clips);
    return stepPlan({ config, chosen: chosen as LanguageLoop, shown });
  };
  // Four temporal steps of 64 patches: 64 visual tokens.
  const grpo = ["promptsPerStep=3", "completions=4", "maxNewTokens=5", "refeedTries=1"];
  const { trained, forward, drawn } = await planned("videoperceiver-grpo", ...grpo);
  // 74 and 4 times 5 are 94, the next multiple of 16 is 96; 74 alone are 80.
  expect(trained).toEqual([
    {
      rows: 3,
      length: 96,
      flows: [{ positions: 3 * 96, context: 96, depth: 1, patches: 3 * 256, scored: 60 }],
    },
  ]);
  expect(forward).toEqual(trained);
  expect(drawn.map(({ times, read }) => [times, read.rows, read.length])).toEqual([
    [1, 6, 80],
    [1, 3, 80],
  ]);
  expect(drawn[0]!.read.flows[0]!.patches).toBe(3 * 1.25 * 256);
  const few = await planned("videoperceiver-grpo", ...grpo, "positionsPerDraw=700");
  expect(few.drawn.map(({ times, read }) => [times, read.rows])).toEqual([
    [3, 2],
    [2, 2],
  ]);
  const [pass] = (await planned("sft", "clipsPerStep=2", "textsPerClip=1")).trained;
  expect(pass!.length).toBe(96);
});

const rates: MachineRates = {
  operationsPerSecond: 1e10,
  bytesPerSecond: 1e9,
  storedBytesPerSecond: 4e9,
  secondsPerCall: 1e-3,
  overlaps: false,
  keepsScores: false,
  processBytes: 0,
};
const load: StepLoad = {
  operations: 2e10,
  bytes: 3e9,
  storedBytes: 4e9,
  calls: 7000,
  hostNumbers: hostCosts.numbersPerCall * 100,
};

test("seconds: a core does one after the other, a GPU computes while its host calls", () => {
  expect(secondsOf(load, rates)).toBeCloseTo(2 + 3 + 1 + 7 + 0.1, 12);
  expect(secondsOf(load, { ...rates, overlaps: true })).toBeCloseTo(7 + 0.1, 12);
  expect(secondsOf({ ...load, calls: 0 }, { ...rates, overlaps: true })).toBeCloseTo(6 + 0.1, 12);
  const sheet = sheetRates("a100", 0.5);
  expect(sheet.operationsPerSecond).toBe(156e12);
  expect(sheet.storedBytesPerSecond).toBe(1e12);
});

test("rates are found again from loads that took as long as they say, from another start", async () => {
  const works = await Promise.all(rateStepsOf(false).map((step) => rateWorkOf(step, false)));
  const measured = works.map(({ loads }) => ({
    loads,
    seconds: loads.reduce((sum, one) => sum + secondsOf(one, rates), 0),
  }));
  const start = { ...rates, operationsPerSecond: 3e10, bytesPerSecond: 5e8, secondsPerCall: 2e-3 };
  const found = fitRates(measured, start);
  for (const name of ["operationsPerSecond", "bytesPerSecond", "secondsPerCall"] as const)
    expect(found[name] / rates[name], name).toBeGreaterThan(0.9);
  for (const name of ["operationsPerSecond", "bytesPerSecond", "secondsPerCall"] as const)
    expect(found[name] / rates[name], name).toBeLessThan(1.1);
  expect(found.storedBytesPerSecond).toBe(rates.storedBytesPerSecond);
});

test("an update: 140 bytes a parameter, in shares", () => {
  const whole = updateLoad(spreading);
  expect(whole.storedBytes % 140).toBe(0);
  expect(updateLoad({ ...spreading, gpus: 2 }).storedBytes).toBe(whole.storedBytes / 2);
});

test("a file of rates is read back; another one is named with what is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "rates-"));
  try {
    const file = join(folder, "rates.json");
    const known = { format: ratesFormat, machine: "m", engine: "e", date: "d", ...rates, measured: [] };
    writeFileSync(file, JSON.stringify(known));
    expect(readRates(file)).toEqual(known);
    writeFileSync(file, JSON.stringify({ ...known, secondsPerCall: -1 }));
    expect(() => readRates(file)).toThrow(
      /^no rates of a machine: .*rates\.json; expected what `videoperceiver engine rates torch --out FILE` writes; got secondsPerCall: /,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
