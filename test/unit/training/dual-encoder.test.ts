import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { FrameTextEncoder } from "../../../src/engine/dual-encoder.ts";
import { dualEncoderStore, saveDualEncoder } from "../../../src/engine/dual-encoder-store.ts";
import { dualEncoderOpener } from "../../../src/engine/engines.ts";
import { DualEncoderStep } from "../../../src/engine/onnx/dual-encoder-step.ts";
import type { DualEncoderConfig } from "../../../src/model/dual-encoder-config.ts";
import { patchFloats, surroundedPatches, wordBags } from "../../../src/model/dual-encoder-patches.ts";
import { initialize } from "../../../src/model/initialize.ts";
import { createRun } from "../../../src/runs/run.ts";
import { dualEncoderParams, type KeywordClip, trainDualEncoder } from "../../../src/training/dual-encoder.ts";

const config: DualEncoderConfig = {
  family: "videoperceiver-dual-encoder",
  pixels: 8,
  patch: 4,
  width: 12,
  reach: 1,
  words: ["red", "green", "blue", "flash"],
};
const colours: Readonly<Record<string, readonly number[]>> = {
  red: [220, 30, 30],
  green: [30, 220, 30],
  blue: [30, 30, 220],
};
const flashAt = (i: number): number => 1 + ((i * 7) % 4);

/** Six dark noisy frames; in one of them a patch flashes in the colour that the keyword names. */
const clip = (i: number): KeywordClip => {
  const random = seededRandom("flash", i);
  const colour = Object.keys(colours)[i % 3]!;
  const [left, top] = [4 * random.integer(2), 4 * random.integer(2)];
  const frames = Array.from({ length: 6 }, (_, t) => {
    const frame = Uint8Array.from({ length: 8 * 8 * 3 }, () => 60 + random.integer(40));
    if (t === flashAt(i))
      for (let y = top; y < top + 4; y++)
        for (let x = left; x < left + 4; x++) frame.set(colours[colour]!, (y * 8 + x) * 3);
    return frame;
  });
  return { frames, keywords: [colour, "flash"] };
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dual-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the gradient of the loss agrees with finite differences", async () => {
  const store = dualEncoderStore(config, true);
  initialize(store.all(), seededRandom("start"), 1);
  await using step = await DualEncoderStep.compile(
    config,
    store,
    { clips: 3, framesPerClip: 6, temperature: 0.3 },
    1,
  );
  const clips = [0, 1, 2].map(clip);
  const own = new Float32Array(27);
  for (let b = 0; b < 3; b++) own[b * 9 + b * 3 + b] = 1;
  const feeds = {
    pixels: patchFloats(
      clips.flatMap(({ frames }) => surroundedPatches(frames, config)),
      config,
    ),
    bags: wordBags(
      clips.map(({ keywords }) => keywords),
      config,
      (word) => {
        throw new Error(word);
      },
    ),
    textMask: new Float32Array(9),
    own,
  };
  const random = seededRandom("direction");
  for (const { name, value, gradient } of store.all()) {
    await step.run(feeds);
    const derived = gradient!.slice();
    const start = value.slice();
    const unit = (x: Float64Array): Float64Array => {
      const norm = Math.sqrt(x.reduce((sum, y) => sum + y * y, 0));
      return x.map((y) => y / norm);
    };
    // Half along the gradient, so that there is something to measure, half anywhere.
    const noise = unit(Float64Array.from(value, () => random.normal()));
    const direction = unit(unit(Float64Array.from(derived)).map((x, i) => x + noise[i]!));
    const expected = derived.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    // Losses of about 2 carry 2e-7 in float32; over a step of 2e-2 that is 1e-5.
    const h = 1e-2;
    const at = async (sign: number): Promise<number> => {
      start.forEach((x, i) => {
        value[i] = x + sign * h * direction[i]!;
      });
      return step.run(feeds);
    };
    const numeric = ((await at(1)) - (await at(-1))) / (2 * h);
    value.set(start);
    expect(Math.abs(numeric - expected), name).toBeLessThan(5e-3 * Math.abs(expected));
  }
});

const openEncoder = async (from: string): Promise<FrameTextEncoder> =>
  (await dualEncoderOpener()).open(from, 1);

test("what it learnt of where the flash is stands in its folder", async () => {
  const clips = Array.from({ length: 24 }, (_, i) => clip(i));
  const options = dualEncoderParams.parse({
    steps: 200,
    clipsPerStep: 12,
    schedule: { learningRate: 1e-2, warmupSteps: 5 },
    threads: 1,
  });
  using run = createRun(join(folder, "run"), { options });
  const context = { run, progress: silentProgress, signal: new AbortController().signal };
  const saved = join(folder, "saved");
  mkdirSync(saved);
  await trainDualEncoder(await dualEncoderOpener(), saved, config, clips, options, context);
  const encoder = await openEncoder(saved);
  try {
    let found = 0;
    let named = 0;
    for (let i = 100; i < 130; i++) {
      const { frames, keywords } = clip(i);
      const scores = await encoder.score(frames, keywords);
      const best = scores.indexOf(Math.max(...scores));
      // The frames beside the flash have it in their surroundings: 3 of 6 see it.
      if (Math.abs(best - flashAt(i)) <= config.reach) found++;
      const wrong = await encoder.score(frames, [Object.keys(colours)[(i + 1) % 3]!, "flash"]);
      if (Math.max(...scores) > Math.max(...wrong)) named++;
      for (const score of scores) expect(Math.abs(score)).toBeLessThanOrEqual(1 + 1e-6);
    }
    // Chance is 15 of 30 for both.
    expect(found).toBeGreaterThanOrEqual(27);
    expect(named).toBeGreaterThanOrEqual(27);
    await expect(encoder.score(clip(0).frames, ["purple"])).rejects.toThrow(
      /keyword unknown to this frame-text encoder.*purple.*--relevance motion/,
    );
    const losses = readFileSync(join(folder, "run", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(losses.length).toBe(200);
  } finally {
    await encoder.close();
  }
});

test("a folder that is none, and weights that do not fit, are named", async () => {
  const store = dualEncoderStore(config, false);
  const other = join(folder, "other");
  mkdirSync(other);
  saveDualEncoder(other, { ...config, width: 16 }, store);
  await expect(openEncoder(other)).rejects.toThrow(
    /image\.patch\.weight.*expected \[16, 96\].*got \[12, 96\]/,
  );
  writeFileSync(join(other, "config.json"), '{"family":"else"}');
  await expect(openEncoder(other)).rejects.toThrow(/not a frame-text encoder of ours/);
});

test("training goes on with the same words only: a row of another word means something else", async () => {
  const opener = await dualEncoderOpener();
  const shape = { clips: 2, framesPerClip: 6, temperature: 0.3 };
  const place = join(folder, "words");
  mkdirSync(place);
  await using encoder = await opener.create(config, 1, shape, 1);
  await encoder.save(place, { optimizer: true });
  await encoder.load(place);
  const words = config.words.map((word) => (word === "red" ? "rose" : word));
  await using other = await opener.create({ ...config, words }, 1, shape, 1);
  await expect(other.load(place)).rejects.toThrow("another encoder than the one in training");
});
