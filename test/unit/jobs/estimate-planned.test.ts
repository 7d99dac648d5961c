/** Estimates of preferences, rewards and encoders against numbers that were counted by hand, and against each other. */
import { expect, test } from "vitest";
import {
  estimateEncoder,
  estimatePlanned,
  type PlannedHere,
  shownOnAverage,
} from "../../../src/jobs/train/estimate-planned.ts";
import type { LanguageLoop } from "../../../src/jobs/train/loops.ts";
import type { PlannedClip } from "../../../src/jobs/train/plan-clip.ts";
import { parseSettings, resolveSettings } from "../../../src/jobs/train/settings.ts";
import { smallConfig } from "../model/small-config.ts";

const config = smallConfig();
const shown = {
  clips: 100,
  frames: 8,
  pixels: 112 ** 2,
  questionTokens: 10,
  answerTokens: 6,
  replaced: 0.25,
};
const planned = async (recipe: string, ...given: string[]): Promise<PlannedHere> => {
  const request = { recipe, model: "", data: [], settings: parseSettings(given) };
  const { chosen, common } = await resolveSettings(request, shown.clips);
  const loop = chosen as LanguageLoop;
  return { config, chosen: loop, parts: common, positionsPerBatch: 4096, shown, rate: 1e10 };
};
const estimate = async (recipe: string, ...given: string[]): Promise<ReturnType<typeof estimatePlanned>> =>
  estimatePlanned(await planned(recipe, "steps=10", ...given));

test("what clips show is averaged: words, visual tokens apart, and steps that the twin replaces", () => {
  const tokens = (seen: number, asked: number, learnt: number) => ({
    ids: new Int32Array(seen + asked + learnt),
    places: Int32Array.from({ length: seen + asked + learnt }, (_, at) => (at < seen ? at : -1)),
    spoken: Uint8Array.from({ length: seen + asked + learnt }, (_, at) => (at >= seen + asked ? 1 : 0)),
  });
  const plan = (replaced: readonly number[], ...texts: ReturnType<typeof tokens>[]) =>
    ({
      media: [
        { isClip: true, indices: [0, 3, 6, 9, 12, 15, 18], frames: 7, size: { width: 56, height: 28 } },
      ],
      texts: texts.map((one) => ({ tokens: one })),
      group: { samples: [{ absent: { replacements: replaced.map((index) => ({ index, from: 0 })) } }] },
    }) as unknown as PlannedClip;
  // Frames 6 and 9 are one step of four; 18 is another, alone in its step; 4 and 5 are not looked at.
  const found = shownOnAverage([plan([4, 5, 6, 9], tokens(8, 3, 2)), plan([6, 18], tokens(8, 5, 4))], 20);
  expect(found).toEqual({
    clips: 20,
    frames: 7,
    pixels: 56 * 28,
    questionTokens: 4,
    answerTokens: 3,
    replaced: (1 / 4 + 2 / 4) / 2,
  });
});

test("dpo: the adapter's reference is a forward of every step, a stored one of every clip before the first", async () => {
  const full = await estimate("dpo", "lora=null", "reference=stored");
  const held = await estimate("dpo", "lora=null", "reference=held");
  expect(held.secondsPerStep).toBeGreaterThan(1.15 * full.secondsPerStep);
  expect(held.secondsPerStep).toBeLessThan(1.5 * full.secondsPerStep);
  expect(full.seconds).toBeGreaterThan(10 * full.secondsPerStep);
  expect(held.seconds).toBeCloseTo(10 * held.secondsPerStep, 9);
  // Ten steps of all clips: what is stored costs what is held.
  expect(full.seconds).toBeCloseTo(held.seconds, 6);
  const more = await estimate("dpo", "lora=null", "reference=stored", "clipsPerStep=50");
  expect(more.seconds - 10 * more.secondsPerStep).toBeLessThan(0.21 * (more.seconds - 0));
  expect(held.memoryMiB).toBeGreaterThan(full.memoryMiB);
  const adapter = await estimate("dpo", "lora.rank=4");
  expect(adapter.seconds).toBeCloseTo(10 * adapter.secondsPerStep, 9);
});

test("grpo: time goes with completions and their length, memory with a second copy and what is drawn at once", async () => {
  const own = ["prefilter.draws=0", "lora=null", "completions=4", "maxNewTokens=8"];
  const one = await estimate("videoperceiver-grpo", ...own);
  expect(one.seconds).toBeCloseTo(10 * one.secondsPerStep, 9);
  for (const more of ["completions=8", "maxNewTokens=32", "refeedTries=4"])
    expect((await estimate("videoperceiver-grpo", ...own, more)).secondsPerStep).toBeGreaterThan(
      1.05 * one.secondsPerStep,
    );
  const chosen = await estimate("videoperceiver-grpo", ...own, "prefilter.draws=4");
  expect(chosen.seconds - one.seconds).toBeGreaterThan(0);
  expect(chosen.secondsPerStep).toBe(one.secondsPerStep);
  const free = await estimate("videoperceiver-grpo", ...own, "beta=0");
  expect(free.memoryMiB).toBeLessThan(one.memoryMiB);
  expect(free.secondsPerStep).toBeLessThan(one.secondsPerStep);
  const pieces = await estimate("videoperceiver-grpo", ...own, "positionsPerDraw=64");
  expect(pieces.memoryMiB).toBeLessThan(one.memoryMiB);
  expect(pieces.secondsPerStep).toBeGreaterThan(one.secondsPerStep);
});

test("an encoder's products by hand", () => {
  const options = { framesPerClip: 4, pixels: 28, patch: 14, width: 16, clipsPerStep: 3, steps: 7 };
  const machine = { clips: 5, keptBytes: 1e9, rate: 1e9 };
  const rows = 3 * 4 * 4;
  const forward = 2 * rows * (1176 * 16 + 16 * 16 + 16 * 3);
  const { secondsPerStep, seconds, memoryMiB } = estimateEncoder(options, machine);
  expect(secondsPerStep).toBeCloseTo((3 * forward * 2 + 50 * rows * 1176) / 1e9, 12);
  expect(seconds).toBeCloseTo(7 * secondsPerStep, 12);
  const none = estimateEncoder(options, { ...machine, keptBytes: 0 });
  expect(memoryMiB - none.memoryMiB).toBeCloseTo((5 * 4 * 28 * 28 * 3) / 2 ** 20, 9);
});
