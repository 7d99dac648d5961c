import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TokenBatch, wordSource } from "../../../src/batch/token-batch.ts";
import { gradeAnswer } from "../../../src/grading/grade-answer.ts";
import { readRollouts, readRun } from "../../../src/runs/read-run.ts";
import type { TrainingClip } from "../../../src/training/clip.ts";
import { beginner, grpo, metric, type Seen, watched, weightsOf } from "./grpo-runs.ts";
import { askToken, flatStep, instruction, type TinyTrainee, tinyTrainee, toyClips } from "./tiny.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grpo-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const closed = async (trainee: TinyTrainee): Promise<void> => trainee.engine[Symbol.asyncDispose]();
/** Clips whose twin is the clip itself. */
const ownTwins = (clips: readonly TrainingClip[]): TrainingClip[] =>
  clips.map((clip) => ({
    ...clip,
    absentSteps: new Map([...clip.absentSteps.keys()].map((step) => [step, clip.patches.steps[step]!])),
  }));
/** Words of a batch in order. */
const idsOf = ({ ids, source }: TokenBatch): number[] =>
  [...ids].filter((_, row) => source[row] === wordSource);
/** How often the question is followed by the instruction, and how often it stands at all. */
const instructed = (ids: readonly number[]): { asked: number; instructed: number } => {
  let asked = 0;
  let hits = 0;
  ids.forEach((id, i) => {
    if (id !== askToken) return;
    asked++;
    if (instruction.every((word, j) => ids[i + 1 + j] === word)) hits++;
  });
  return { asked, instructed: hits };
};
const right = (text: string, answer: string): boolean =>
  gradeAnswer({ answerKind: "choice", answer, options: ["dark", "bright"], completion: text }).correct;

describe("what is trained on", () => {
  test("raises the share of right answers by comparison alone, with nothing in the base reward", async () => {
    const trainee = await beginner(folder);
    const run = await grpo(folder, trainee, toyClips(64), { steps: 18, rewards: {}, lambda: 1, beta: 0 });
    const quality = metric(run, "quality");
    expect(mean(quality.slice(0, 5))).toBeLessThan(0.8);
    expect(mean(quality.slice(-5))).toBeGreaterThan(0.9);
    await closed(trainee);
  });

  test("a refeed appends the instruction; log-probabilities are those of the draws, of the prompt that was answered", async () => {
    const seen: Seen = { samples: [], steps: [], drawn: [] };
    const trainee = await beginner(folder, (started) => watched(started, seen));
    const options = { steps: 3, temperature: 1.6, prefilter: { draws: 0 } };
    const run = await grpo(folder, trainee, toyClips(64), options);
    const rollouts = readRollouts(run);
    const rescuedOf = ({ reference, complete, absent }: (typeof rollouts)[number]): number =>
      complete.filter(
        ({ text, refeeds }, g) =>
          (refeeds ?? 0) > 0 && right(text, reference!) && !right(absent[g]!.text, reference!),
      ).length;
    expect(rollouts.reduce((sum, group) => sum + rescuedOf(group), 0)).toBeGreaterThan(0);
    const draws = seen.samples.map(({ batch }) => instructed(idsOf(batch)));
    // The entropy is that of all first draws of the complete clips, whatever took their place afterwards.
    const first = seen.drawn
      .filter((_, i) => draws[i]!.instructed === 0)
      .map((groups) => groups.slice(8).flat());
    metric(run, "entropy").forEach((entropy, step) => {
      expect(entropy).toBeCloseTo(-mean(first[step]!.flatMap(({ logprobs }) => [...logprobs])), 9);
    });
    // Twins and complete clips, then refeeds; every prompt of a refeed carries the instruction, no other does.
    for (const draw of draws) expect([0, draw.asked]).toContain(draw.instructed);
    expect(draws[0]).toEqual({ asked: 16, instructed: 0 });
    expect(draws[1]).toEqual({ asked: 8, instructed: 8 });
    expect(seen.steps.length).toBe(3);
    seen.steps.forEach(({ batch, extra, logprobs }, i) => {
      // A prompt stands once before all of its completions, with the instruction and without.
      const asked = rollouts.filter(({ step }) => step === i + 1);
      const won = asked.map((group) => rescuedOf(group));
      expect(instructed(idsOf(batch)).instructed).toBe(won.filter((count) => count > 0).length);
      expect(batch.scored.drawn).toEqual({ temperature: 1.6, bannedTokens: trainee.rules.visualTokenIds });
      const weight = extra["weights"] as Float32Array;
      const old = extra["oldLogprobs"] as Float32Array;
      let compared = 0;
      logprobs.forEach((logprob, m) => {
        if (weight[m] === 0) return;
        compared++;
        expect(Math.abs(logprob - old[m]!)).toBeLessThan(1e-4);
      });
      expect(compared).toBeGreaterThan(20);
      expect(weight.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
    });
    // Before the first update the ratio is 1, at any temperature.
    expect(metric(run, "ratioMean").every((ratio) => Math.abs(ratio - 1) < 1e-4)).toBe(true);
    expect(metric(run, "clippedShare")).toEqual([0, 0, 0]);
    await closed(trainee);
  });

  test("a pair that goes on losing keeps its first completion with that one's quality", async () => {
    const trainee = await beginner(folder);
    const options = { steps: 3, advantage: { name: "centred", params: { decay: 1 } }, rewards: {} };
    const run = await grpo(folder, trainee, toyClips(64), { ...options, prefilter: { draws: 0 } });
    let losers = 0;
    for (const { complete, absent, reference } of readRollouts(run))
      complete.forEach(({ text, advantages }, g) => {
        const r = Number(right(text, reference!)) - Number(right(absent[g]!.text, reference!));
        expect(advantages!["total"]).toBe(r);
        if (r === -1) losers++;
      });
    expect(losers).toBeGreaterThan(0);
    expect(metric(run, "negativeShare").some((share) => share > 0)).toBe(true);
    await closed(trainee);
  });
});

describe("lambda 0", () => {
  test("is plain GRPO, bit for bit, on the prompts of every other lambda", async () => {
    const clips = [...ownTwins(toyClips(20)).slice(0, 8), ...toyClips(40).slice(20)];
    const rewards = { accuracy: 1 };
    const arms = {
      plain: { rewards, advantage: { name: "group-relative", params: {} } },
      zero: { rewards, lambda: 0 },
      zeroCentred: { rewards, lambda: 0, comparison: "centred" },
      half: { rewards, lambda: 0.5 },
    };
    const ends: Record<string, { readonly weights: Float32Array[]; readonly prompts: string[] }> = {};
    for (const [name, options] of Object.entries(arms)) {
      const trainee = await beginner(folder, undefined, 60);
      const run = await grpo(folder, trainee, clips, { ...options, steps: 2 });
      const prompts = readRollouts(run).map(({ sampleId }) => sampleId);
      expect(metric(run, "answerableWithoutEvidence")[0]).toBeGreaterThan(0);
      ends[name] = { weights: weightsOf(trainee), prompts };
      await closed(trainee);
    }
    expect(ends["zero"]).toEqual(ends["plain"]);
    expect(ends["zeroCentred"]).toEqual(ends["plain"]);
    expect(ends["half"]!.prompts).toEqual(ends["plain"]!.prompts);
    expect(ends["half"]!.weights).not.toEqual(ends["plain"]!.weights);
  });

  test("the twin changes nothing but which prompts stay", async () => {
    const plain = { lambda: 0, rewards: { accuracy: 1 }, prefilter: { draws: 0 } };
    const clips = toyClips(16);
    const others = clips.map((clip) => ({
      ...clip,
      absentSteps: new Map([...clip.absentSteps.keys()].map((step) => [step, flatStep(120)])),
    }));
    const ends: Float32Array[][] = [];
    for (const given of [clips, others]) {
      const trainee = await beginner(folder);
      const run = await grpo(folder, trainee, given, plain);
      for (const { complete } of readRollouts(run)) {
        const rewards = complete.map(({ rewards: parts }) => parts["accuracy"]!);
        const centre = mean(rewards);
        const spread = Math.sqrt(
          rewards.reduce((sum, r) => sum + (r - centre) ** 2, 0) / (rewards.length - 1),
        );
        complete.forEach(({ advantages }, g) => {
          expect(advantages!["total"]).toBeCloseTo((rewards[g]! - centre) / (spread + 1e-4), 6);
        });
      }
      ends.push(weightsOf(trainee));
      await closed(trainee);
    }
    expect(ends[1]).toEqual(ends[0]);
  });
});

describe("prompts that need no evidence", () => {
  test("are left out by draws of their own, before anything is logged: the logged gap is not chosen by itself", async () => {
    const seen: Seen = { samples: [], steps: [], drawn: [] };
    const trainee = await beginner(folder, (started) => watched(started, seen));
    const options = { steps: 5, promptsPerStep: 16, rewards: {}, lambda: 1e-9, refeedTries: 0 };
    // Twins of pure chance: half of them are answered rightly, whatever is drawn.
    const run = await grpo(folder, trainee, toyClips(80), { ...options, schedule: { learningRate: 1e-12 } });
    expect(new Set(seen.samples.map(({ seed }) => seed)).size).toBe(seen.samples.length);
    const kept = readRollouts(run);
    expect(kept.length).toBe(80);
    // Were the same draws used, no group could be left in which the twin is right more often than the limit.
    const share = ({ absent, reference }: (typeof kept)[number]): number =>
      mean(absent.map(({ text }) => Number(right(text, reference!))));
    expect(kept.filter((group) => share(group) > 0.5).length).toBeGreaterThan(5);
    await closed(trainee);
  });

  test("when none is left, the run says so and changes no weight", async () => {
    const trainee = await beginner(folder, undefined, 60);
    const before = weightsOf(trainee);
    await expect(grpo(folder, trainee, ownTwins(toyClips(16)), { steps: 1 })).rejects.toThrow(
      /every prompt is answered rightly from its absent twin: 16 prompts.*prefilter\.share/,
    );
    expect(weightsOf(trainee)).toEqual(before);
    await closed(trainee);
  });
});

describe("several updates on one roll-out", () => {
  test("move away from the draws: ratios spread and the clip begins to work; one update is not two", async () => {
    const ends: Float32Array[][] = [];
    const runs: string[] = [];
    for (const updatesPerRollout of [1, 4]) {
      const trainee = await beginner(folder);
      const options = { updatesPerRollout, rewards: { accuracy: 1 }, prefilter: { draws: 0 }, beta: 0 };
      runs.push(
        await grpo(folder, trainee, toyClips(32), {
          ...options,
          steps: 3,
          schedule: { learningRate: 2e-2, warmupSteps: 0 },
        }),
      );
      ends.push(weightsOf(trainee));
      await closed(trainee);
    }
    expect(ends[1]).not.toEqual(ends[0]);
    expect(Math.max(...metric(runs[0]!, "ratioVariance"))).toBeLessThan(1e-6);
    expect(Math.max(...metric(runs[0]!, "clippedShare"))).toBe(0);
    expect(Math.max(...metric(runs[1]!, "ratioVariance"))).toBeGreaterThan(1e-3);
    expect(Math.max(...metric(runs[1]!, "clippedShare"))).toBeGreaterThan(0);
  });
});

describe("the instruction of a refeed", () => {
  test("that makes valid answers unlikely stops the run; both probabilities are logged", async () => {
    const known = await beginner(folder);
    const run = await grpo(folder, known, toyClips(32), { steps: 2, instructionGuard: { everySteps: 1 } });
    for (const name of ["validAnswers", "validAnswersInstructed"])
      for (const value of metric(run, name)) {
        expect(value).toBeGreaterThan(0.2);
        expect(value).toBeLessThan(1 + 1e-6);
      }
    await closed(known);
    // Never seen: its words are new, so their embeddings are noise that can be made as loud as one likes.
    const unknown = await beginner(folder);
    const words = unknown.store.get("model.embed_tokens.weight").value;
    const width = unknown.config.text.hiddenSize;
    for (const token of instruction)
      for (let i = 0; i < width; i++) words[token * width + i] = i % 2 === 0 ? 40 : -40;
    const before = weightsOf(unknown);
    await expect(
      grpo(folder, unknown, toyClips(32), { instructionGuard: { leastShare: 0.95 } }),
    ).rejects.toThrow(/instruction destroys the answers.*"#21 #22".*instructionShare.*refeedTries/);
    expect(weightsOf(unknown)).toEqual(before);
    // A model that gives no valid answers anyway has none to lose; it goes on.
    const silent = { instructionGuard: { leastShare: 0.95, answeringFrom: 0.999 }, steps: 1 };
    await grpo(folder, unknown, toyClips(32), silent);
    // Without refeed nobody reads it.
    await grpo(folder, unknown, toyClips(32), { steps: 1, refeedTries: 0 });
    await closed(unknown);
  });
});

test("every step says what its rewards are made of, and how much of it teaches nothing", async () => {
  const trainee = tinyTrainee(folder);
  const rewards = { format: 0.5, accuracy: { weight: 1, params: {} } };
  const run = await grpo(folder, trainee, toyClips(32), {
    steps: 2,
    rewards,
    prefilter: { draws: 0 },
    refeedTries: 1,
  });
  const [row] = readRun(run).metrics;
  const shares = ["clippedShare", "zeroVarianceShare", "sameQualityShare", "positiveShare", "negativeShare"];
  for (const name of [...shares, "exhaustedShare", "rescuedShare", "reward.format", "reward.accuracy"]) {
    expect(row![name], name).toBeGreaterThanOrEqual(0);
    expect(row![name], name).toBeLessThanOrEqual(1);
  }
  expect(row!["comparison"]).toBeCloseTo(row!["quality"]! - row!["qualityAbsent"]!, 9);
  // New weights draw nearly evenly from all words but the visual ones.
  expect(row!["entropy"]).toBeGreaterThan(0.8 * Math.log(29));
  expect(row!["entropy"]).toBeLessThan(1.2 * Math.log(29));
  expect(row!["resampleRate"]).toBeCloseTo(row!["resamples"]! / 32, 9);
  await closed(trainee);
});
