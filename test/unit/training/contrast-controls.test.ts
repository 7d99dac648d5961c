/** Contrast can only be won by looking: what it must not do with twins that show what the clip shows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ContrastEncoding } from "../../../src/batch/segments.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { scale } from "../../../src/graph/ops/elementwise.ts";
import { mean } from "../../../src/graph/ops/reduce.ts";
import {
  defineLoss,
  type LossPlugin,
  lossRegistry,
  makeLosses,
  sumOfLosses,
} from "../../../src/objectives/losses.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun } from "../../../src/runs/run.ts";
import type { HeldOutClip, TrainingClip } from "../../../src/training/clip.ts";
import { contrastParams, sftLosses } from "../../../src/training/contrast.ts";
import { contrastOf } from "../../../src/training/contrast-monitor.ts";
import { type SftExtras, trainSft } from "../../../src/training/sft.ts";
import { sftBatches } from "../../../src/training/sft-batches.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import {
  closedPrompts,
  validAnswerProbability,
  wholeAnswerProbabilities,
} from "../../../src/training/valid-answers.ts";
import { flatStep, instruction, type TinyTrainee, tinyTokens, tinyTrainee, toyClips } from "./tiny.ts";

let folder: string;
let runs = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "controls-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The twin is the very same clip; it still counts as one. */
const twinIsClip = (clip: TrainingClip): TrainingClip => ({
  ...clip,
  absentSteps: new Map([...clip.absentSteps.keys()].map((step) => [step, clip.patches.steps[step]!])),
});
/** As held out: with a control that changes another step, which says nothing, to another grey of its kind. */
const withControl = (clip: TrainingClip, i: number): HeldOutClip => {
  const [at] = [...clip.absentSteps.keys()];
  const other = (at! + 1) % clip.patches.steps.length;
  const grey = 100 + seededRandom("control", i).integer(56);
  return { clip, frozenSteps: new Map([[other, flatStep(grey)]]) };
};

interface Trained {
  readonly trainee: TinyTrainee;
  readonly rows: readonly Readonly<Record<string, number>>[];
  readonly lines: readonly string[];
}
const train = async (
  clips: readonly TrainingClip[],
  options: object,
  extras: SftExtras = {},
): Promise<Trained> => {
  const trainee = tinyTrainee(folder);
  const own = join(folder, `${runs++}`);
  using run = createRun(own, {});
  const lines: string[] = [];
  const progress = { update: () => {}, log: (line: string) => void lines.push(line) };
  const parsed = sftParams.parse({
    steps: 40,
    clipsPerStep: 8,
    schedule: { learningRate: 1e-2, warmupSteps: 2 },
    ...options,
  });
  const signal = new AbortController().signal;
  await trainSft(trainee, clips, parsed, { run, progress, signal }, extras);
  return { trainee, rows: readRun(own).metrics, lines };
};
const contrast = (more: Readonly<Record<string, unknown>> = {}): ReturnType<typeof sftLosses> =>
  sftLosses(contrastParams.parse({ block: 2, ...more }));
const last = ({ rows }: Trained, name: string): number =>
  rows.slice(-5).reduce((sum, row) => sum + row[name]! / 5, 0);

describe("a twin that is the very same clip", () => {
  test.each(["own", "batch"] as const)("t2v cannot fall below ln 2, negatives %s", async (negatives) => {
    const trained = await train(toyClips(32).map(twinIsClip), contrast({ negatives }));
    for (const { t2v } of trained.rows) expect(t2v).toBeGreaterThan(Math.LN2 - 1e-3);
    const clips = toyClips(8, 2);
    const place = { block: 2, encoding: "shared" } as const;
    for (const { cosine, margin } of await contrastOf(trained.trainee, clips, () => new Map(), place)) {
      expect(cosine).toBeCloseTo(1, 4);
      expect(margin).toBeCloseTo(0, 4);
    }
    await trained.trainee.engine[Symbol.asyncDispose]();
  });

  test.each(["literal", "packed"] as const)(
    "%s solves it without looking, and the run says so once",
    async (encoding) => {
      const heldOut = toyClips(8, 2).map(withControl);
      const monitor = { every: 10 };
      const trained = await train(
        toyClips(32).map(twinIsClip),
        { ...contrast({ encoding }), monitor },
        { heldOut },
      );
      expect(last(trained, "t2v")).toBeLessThan(0.5 * Math.LN2);
      expect(trained.rows.at(-1)!["heldOut.t2vSame"]).toBeLessThan(0.5 * Math.LN2);
      const said = trained.lines.filter((line) => line.includes("solved without looking"));
      expect(said.length).toBe(1);
      expect(said[0]).toMatch(new RegExp(`^step \\d+: .*below ln 2 = 0\\.6931 \\(encoding ${encoding}\\)$`));
      await trained.trainee.engine[Symbol.asyncDispose]();
    },
  );

  test("with real twins the text is nearer to the clip than to its twin on clips that were not trained on", async () => {
    const heldOut = toyClips(48, 2).map(withControl);
    const options = { ...contrast({ weight: 1 }), steps: 60, monitor: { every: 20 } };
    const trained = await train(toyClips(64), options, { heldOut });
    const seen = trained.rows.at(-1)!;
    expect(seen["heldOut.clips"]).toBe(48);
    expect(seen["heldOut.win"]).toBeGreaterThan(0.85);
    expect(seen["heldOut.winGap"]).toBeCloseTo(seen["heldOut.win"]! - seen["heldOut.winFrozen"]!, 9);
    expect(seen["heldOut.winGap"]! - 2 * seen["heldOut.winGapError"]!).toBeGreaterThan(0);
    expect(seen["heldOut.cosine"]).toBeLessThan(0.99);
    // A twin that is the clip itself: exactly ln 2, whatever was learnt.
    for (const row of trained.rows.filter((one) => "heldOut.t2vSame" in one))
      expect(row["heldOut.t2vSame"]).toBeCloseTo(Math.LN2, 3);
    expect(trained.rows.filter((row) => "heldOut.win" in row).map(({ step }) => step)).toEqual([20, 40, 60]);
    expect(trained.lines).toEqual([]);
    await trained.trainee.engine[Symbol.asyncDispose]();
  });
});

describe("what a step contrasts", () => {
  const batchOf = async (
    clips: readonly TrainingClip[],
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<ReturnType<typeof sftBatches>> => {
    const trainee = tinyTrainee(folder);
    const { losses, ...layout } = contrast();
    const objective = sumOfLosses(await makeLosses(losses));
    const parsed = sftParams.parse({
      steps: 1,
      schedule: { learningRate: 1e-3 },
      losses,
      ...layout,
      ...options,
    });
    const { rules } = trainee;
    await trainee.engine[Symbol.asyncDispose]();
    const means = { rules, tokens: tinyTokens, instruction, queue: undefined };
    return sftBatches(clips, objective, means, parsed, 1);
  };

  test.each([
    [1, 8, 1],
    [2, 8, 4],
    [3, 7, 2],
  ])(
    "%i blind of %i clips in %i batches: they are in no loss on states, and no batch is blind alone",
    async (blind, count, batchesPerStep) => {
      // The second clip has no twin: it is no negative.
      const clips = toyClips(count).map((clip, i) => (i === 1 ? { ...clip, absentSteps: new Map() } : clip));
      const { batches, feeds, seeing } = await batchOf(clips, { blindClipsPerStep: blind, batchesPerStep });
      expect(seeing.length).toBe(count - blind);
      expect(feeds["twinMask"]!.length).toBe(count - blind);
      expect([...feeds["twinMask"]!].map((value) => (value as number) < 0)).toEqual(
        seeing.map(({ absentSteps }) => absentSteps.size === 0),
      );
      expect([...feeds["weights"]!].reduce<number>((sum, value) => sum + Number(value), 0)).toBeCloseTo(1, 5);
      expect(feeds["textMask"]!.length).toBe((count - blind) ** 2);
      for (const group of ["complete", "absent", "view", "keywords"]) {
        const rows = batches.map(
          ({ taps }) => taps[0]!.groups.find(({ name }) => name === group)!.rows.length,
        );
        expect(rows.reduce((sum, own) => sum + own, 0)).toBe(count - blind);
        expect(Math.min(...rows)).toBeGreaterThan(0);
      }
      // The first batch's text mask hides equal keywords of seeing clips, so it is made for the same clips.
      const hidden = seeing.flatMap((a, i) =>
        seeing.map((b, j) => i !== j && a.keywords.join(" ") === b.keywords.join(" ")),
      );
      expect([...feeds["textMask"]!].map((value) => (value as number) < 0)).toEqual(hidden);
    },
  );

  test("a clip that stands twice in a step is no negative of itself", async () => {
    const [a, b, c] = toyClips(3);
    const { feeds } = await batchOf([a!, b!, a!, c!]);
    const hidden = [...feeds["viewMask"]!].flatMap((value, at) => ((value as number) < 0 ? [at] : []));
    expect(hidden).toEqual([2, 8]);
    expect(feeds["viewMask"]!.length).toBe(16);
  });

  test("the instruction follows the share of questions that was asked for", async () => {
    const clips = toyClips(200);
    for (const share of [0, 0.25, 1]) {
      const { batches } = await batchOf(clips, { instructionShare: share });
      const { ids } = batches[0]!;
      let count = 0;
      ids.forEach((id, i) => {
        if (id === instruction[0] && ids[i + 1] === instruction[1]) count++;
      });
      expect(Math.abs(count / clips.length - share)).toBeLessThan(share === 0.25 ? 0.1 : 1e-9);
    }
    await expect(train(toyClips(8), { instructionShare: 0.5 })).rejects.toThrow(/without an instruction/);
  });
});

/** A loss of weight 0 that reads the states that contrast remembers, at another block. */
const earlyStates: LossPlugin = defineLoss({
  summary: "reads states and asks for nothing",
  source: "test",
  params: z.strictObject({ block: z.number().int() }),
  create: ({ block }) => ({
    key: `early ${block}`,
    states: ["complete", "absent", "view", "keywords"].map((group) => ({ block, group })),
    feeds: {},
    additive: false,
    build: ({ state }) => ({ loss: scale(mean(state(block, "view")), 0), metrics: {} }),
  }),
});

describe("a rate and a memory of its own", () => {
  test("contrast with its own learning rate is an update of its own: 0 learning for it leaves plain SFT", async () => {
    const plain = await train(toyClips(16), { steps: 3 });
    // So small that no weight moves: what is left is what the other loss does.
    const own = await train(toyClips(16), {
      steps: 3,
      ...contrast({ learningRate: 1e-30 }),
      optimizer: { weightDecay: 0 },
    });
    expect(own.rows.map(({ contrastLearningRate }) => contrastLearningRate! > 0)).toEqual([true, true, true]);
    expect(own.rows[0]!["crossEntropy"]).toBeCloseTo(plain.rows[0]!["crossEntropy"]!, 6);
    // The gradient of contrast is cleared before that of the other loss.
    expect(own.rows[0]!["gradientNorm"]).toBeCloseTo(plain.rows[0]!["gradientNorm"]!, 4);
    const [one, two] = [contrast({ learningRate: 1e-2 }), contrast()];
    const [split, joint] = [
      await train(toyClips(16), { ...one, steps: 30 }),
      await train(toyClips(16), { ...two, steps: 30 }),
    ];
    expect(last(split, "t2v")).toBeLessThan(split.rows[0]!["t2v"]!);
    expect(last(split, "crossEntropy")).toBeLessThan(0.5 * split.rows[0]!["crossEntropy"]!);
    expect(last(split, "t2v")).not.toBe(last(joint, "t2v"));
    for (const { trainee } of [plain, own, split, joint]) await trainee.engine[Symbol.asyncDispose]();
  });

  test("the queue adds negatives from the second step on, none of the clip itself and none with its words", async () => {
    // At temperature 1 every negative counts.
    const [small, queued] = [contrast({ temperature: 1 }), contrast({ temperature: 1, queue: 8 })];
    const clips = toyClips(16);
    const [without, withQueue] = [
      await train(clips, { ...small, steps: 3, clipsPerStep: 2 }),
      await train(clips, { ...queued, steps: 3, clipsPerStep: 2 }),
    ];
    for (const name of ["v2v", "t2v", "v2t"])
      expect(withQueue.rows[0]![name]).toBeCloseTo(without.rows[0]![name]!, 4);
    for (const name of ["v2v", "t2v"])
      expect(withQueue.rows[1]![name]!).toBeGreaterThan(without.rows[1]![name]! + 0.1);
    // Another loss that looks at an earlier block, and stands first, changes nothing of what is remembered.
    const watching = { losses: { "early-states": { block: 1 }, ...queued.losses } };
    lossRegistry.add("early-states", earlyStates);
    const beside = await train(clips, { ...queued, ...watching, steps: 3, clipsPerStep: 2 });
    for (const name of ["v2v", "t2v", "v2t"])
      expect(beside.rows.map((row) => row[name])).toEqual(withQueue.rows.map((row) => row[name]));
    for (const { trainee } of [without, withQueue, beside]) await trainee.engine[Symbol.asyncDispose]();
  });
});

test("probabilities of options are those of whole answers, and the valid share is their sum", async () => {
  const trained = await train(toyClips(32), { steps: 40, instructionShare: 0.5 }, { instruction });
  const prompts = closedPrompts(toyClips(12, 5), 10);
  expect(prompts.length).toBe(10);
  const all = await wholeAnswerProbabilities(trained.trainee, prompts);
  const sums = all.map(([a, b]) => a! + b!);
  for (const sum of sums) expect(sum).toBeLessThanOrEqual(1 + 1e-5);
  const plain = await validAnswerProbability(trained.trainee, prompts);
  expect(plain).toBeCloseTo(sums.reduce((sum, one) => sum + one, 0) / 10, 6);
  expect(plain).toBeGreaterThan(0.9);
  expect(await validAnswerProbability(trained.trainee, prompts, instruction)).toBeGreaterThan(0.9);
  // What training never showed may destroy the answer; here three unknown words do.
  const strange = seededRandom("strange");
  const words = Array.from({ length: 3 }, () => 23 + strange.integer(8));
  expect(await validAnswerProbability(trained.trainee, prompts, words)).toBeLessThan(plain!);
  expect(await validAnswerProbability(trained.trainee, [])).toBeUndefined();
  await trained.trainee.engine[Symbol.asyncDispose]();
});

const encodings: readonly ContrastEncoding[] = ["shared", "literal", "packed", "separate"];
test.each(encodings)("encoding %s trains", async (encoding) => {
  const trained = await train(toyClips(8), { steps: 2, ...contrast({ encoding, bothViews: true }) });
  for (const { loss } of trained.rows) expect(Number.isFinite(loss)).toBe(true);
  await trained.trainee.engine[Symbol.asyncDispose]();
});
