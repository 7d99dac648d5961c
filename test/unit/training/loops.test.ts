import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TokenBatch, wordSource } from "../../../src/batch/token-batch.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import type { Engine, FeedArray, SampleRequest } from "../../../src/engine/contract.ts";
import { gradeAnswer } from "../../../src/grading/grade-answer.ts";
import { readRollouts, readRun } from "../../../src/runs/read-run.ts";
import { createRun } from "../../../src/runs/run.ts";
import type { TrainingClip } from "../../../src/training/clip.ts";
import {
  type GrpoOptions,
  grpoParams,
  trainComparativeGrpo,
} from "../../../src/training/comparative-grpo.ts";
import { sftLosses } from "../../../src/training/contrast.ts";
import type { LoopResult, Trainee } from "../../../src/training/loop.ts";
import type { Prompt } from "../../../src/training/rollout.ts";
import { trainSft } from "../../../src/training/sft.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import {
  askToken,
  flatStep,
  instruction,
  type TinyTrainee,
  tinyLanguage,
  tinyTrainee,
  toyClips,
} from "./tiny.ts";

let folder: string;
let runs = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "loops-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly folder: string;
  readonly result: LoopResult;
}
const signal = new AbortController().signal;
const sft = async (
  trainee: Trainee,
  clips: readonly TrainingClip[],
  options: Readonly<Record<string, unknown>> = {},
  deadline?: number,
): Promise<Outcome> => {
  const parsed = sftParams.parse({
    steps: 12,
    clipsPerStep: 8,
    schedule: { learningRate: 1e-2, warmupSteps: 2 },
    ...options,
  });
  const own = join(folder, `${runs++}`);
  using run = createRun(own, {});
  const context = { run, progress: silentProgress, signal, ...(deadline === undefined ? {} : { deadline }) };
  return { folder: own, result: await trainSft(trainee, clips, parsed, context) };
};
const promptsOf = (clips: readonly TrainingClip[]): Prompt[] =>
  clips.flatMap((clip) => clip.texts.map((text) => ({ clip, text })));
const grpo = async (
  trainee: Trainee,
  clips: readonly TrainingClip[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<Outcome> => {
  const parsed: GrpoOptions = grpoParams.parse({
    steps: 4,
    promptsPerStep: 8,
    completions: 4,
    maxNewTokens: 2,
    schedule: { learningRate: 5e-3, warmupSteps: 0 },
    ...options,
  });
  const own = join(folder, `${runs++}`);
  using run = createRun(own, {});
  const context = { run, progress: silentProgress, signal };
  return {
    folder: own,
    result: await trainComparativeGrpo(trainee, promptsOf(clips), parsed, tinyLanguage, context),
  };
};
const metric = (outcome: Outcome, name: string): number[] =>
  readRun(outcome.folder).metrics.map((row) => row[name]!);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const withoutTime = (outcome: Outcome): unknown[] =>
  readRun(outcome.folder).metrics.map(({ timeSeconds: _, ...row }) => row);
const weights = (trainee: TinyTrainee): Float32Array[] =>
  trainee.store.all().map(({ value }) => value.slice());

/** A trainee that has begun to answer in words but often wrongly. */
const beginner = async (engine?: (trainee: TinyTrainee) => Engine): Promise<TinyTrainee> => {
  const trainee = tinyTrainee(folder);
  await sft(trainee, toyClips(64), { steps: 10 });
  trainee.store.updates = 0;
  return engine === undefined ? trainee : { ...trainee, engine: engine(trainee) };
};

describe("supervised fine-tuning", () => {
  const contrast = sftLosses({ block: 2, weight: 0.1, temperature: 0.05, dropout: 0.1 });
  test("learns the toy with all three contrastive terms, and twice the same to the last bit", async () => {
    const outcomes: Outcome[] = [];
    const ends: Float32Array[][] = [];
    for (let i = 0; i < 2; i++) {
      const trainee = tinyTrainee(folder);
      outcomes.push(await sft(trainee, toyClips(64), { steps: 40, ...contrast }));
      ends.push(weights(trainee));
      await trainee.engine[Symbol.asyncDispose]();
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(withoutTime(outcomes[1]!)).toEqual(withoutTime(outcomes[0]!));
    // Answer and end token: half of ln 2 is what answering without looking costs at best.
    expect(mean(metric(outcomes[0]!, "crossEntropy").slice(-5))).toBeLessThan(0.5 * Math.LN2 * 0.5);
    for (const name of ["v2v", "t2v", "v2t"]) {
      const values = metric(outcomes[0]!, name);
      expect(
        values.every((value) => value > -1e-6),
        name,
      ).toBe(true);
      expect(mean(values.slice(-5)), name).toBeLessThan(mean(values.slice(0, 5)));
    }
    // Below ln 2 the text is nearer to the clip than to every twin: only looking gets there (contrast-controls.test.ts).
    expect(mean(metric(outcomes[0]!, "t2v").slice(-5))).toBeLessThan(Math.LN2);
  });
  test("another seed is another run", async () => {
    const [a, b] = [tinyTrainee(folder), tinyTrainee(folder)];
    const [first, second] = [await sft(a, toyClips(16)), await sft(b, toyClips(16), { seed: 2 })];
    expect(metric(second, "loss")).not.toEqual(metric(first, "loss"));
    await a.engine[Symbol.asyncDispose]();
    await b.engine[Symbol.asyncDispose]();
  });
  test("ends at its deadline and says so, with a checkpoint of what was done", async () => {
    const trainee = tinyTrainee(folder);
    const { result, folder: own } = await sft(trainee, toyClips(16), {}, 0);
    expect(result).toMatchObject({ steps: 0, ended: "deadline" });
    expect(readRun(own).metrics).toEqual([]);
    await trainee.engine[Symbol.asyncDispose]();
  });
});

/** What the loop gave to its engine. */
interface Seen {
  readonly samples: SampleRequest[];
  readonly steps: {
    readonly batch: TokenBatch;
    readonly extra: Readonly<Record<string, FeedArray>>;
    logprobs: Float32Array;
  }[];
}
const watched = (trainee: TinyTrainee, seen: Seen): Engine => {
  const { engine } = trainee;
  const step: NonNullable<Engine["step"]> = async (batch, objective, feeds, options) => {
    const { tokenLogprobs } = (await engine.forward([batch])).outputs[0]!;
    seen.steps.push({ batch, extra: feeds, logprobs: tokenLogprobs });
    return engine.step!(batch, objective, feeds, options);
  };
  const sample: Engine["sample"] = (request, options) => {
    seen.samples.push(request);
    return engine.sample(request, options);
  };
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === "step") return step;
      if (name === "sample") return sample;
      const own = Reflect.get(target, name, target) as unknown;
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
};
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

describe("Comparative GRPO", () => {
  test("raises the share of right answers by comparison alone, with nothing in the base reward", async () => {
    const trainee = await beginner();
    const outcome = await grpo(trainee, toyClips(64), { steps: 40, rewards: {}, lambda: 1, beta: 0 });
    const quality = metric(outcome, "quality");
    expect(mean(quality.slice(0, 5))).toBeLessThan(0.8);
    expect(mean(quality.slice(-5))).toBeGreaterThan(0.9);
    await trainee.engine[Symbol.asyncDispose]();
  });

  test("a refeed appends the instruction; log-probabilities belong to the prompt that was answered", async () => {
    const seen: Seen = { samples: [], steps: [] };
    const trainee = await beginner((started) => watched(started, seen));
    const outcome = await grpo(trainee, toyClips(64), { steps: 3, temperature: 1.3 });
    const rollouts = readRollouts(outcome.folder);
    const right = (text: string, answer: string): boolean =>
      gradeAnswer({ answerKind: "choice", answer, options: ["dark", "bright"], completion: text }).correct;
    const rescued = rollouts.map(({ step, reference, complete, absent }) => ({
      step,
      count: complete.filter(
        ({ text, refeeds }, g) =>
          (refeeds ?? 0) > 0 && right(text, reference!) && !right(absent[g]!.text, reference!),
      ).length,
    }));
    expect(rescued.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
    const draws = seen.samples.map(({ batch }) => instructed(idsOf(batch)));
    // Twin, complete clip, refeeds; every prompt of a refeed carries the instruction, no other does.
    for (const draw of draws) expect([0, draw.asked]).toContain(draw.instructed);
    expect(draws.slice(0, 2).every((draw) => draw.asked === 8 && draw.instructed === 0)).toBe(true);
    expect(draws[2]).toEqual({ asked: 8, instructed: 8 });
    expect(seen.steps.length).toBe(3);
    seen.steps.forEach(({ batch, extra, logprobs }, i) => {
      const kept = rescued.filter(({ step }) => step === i + 1);
      expect(instructed(idsOf(batch)).instructed).toBe(kept.reduce((sum, { count }) => sum + count, 0));
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
    await trainee.engine[Symbol.asyncDispose]();
  });

  test("with lambda 0 it is plain GRPO: the twin changes nothing", async () => {
    const plain = { lambda: 0, rewards: { accuracy: 1 } };
    const clips = toyClips(16);
    const others = clips.map((clip) => ({
      ...clip,
      absentSteps: new Map([...clip.absentSteps.keys()].map((step) => [step, flatStep(120)])),
    }));
    const ends: Float32Array[][] = [];
    for (const given of [clips, others]) {
      const trainee = await beginner();
      const outcome = await grpo(trainee, given, plain);
      expect(metric(outcome, "answerableWithoutEvidence")).toEqual([0, 0, 0, 0]);
      for (const { complete } of readRollouts(outcome.folder)) {
        const rewards = complete.map(({ rewards: parts }) => parts["accuracy"]!);
        const centre = mean(rewards);
        const spread = Math.sqrt(
          rewards.reduce((sum, r) => sum + (r - centre) ** 2, 0) / (rewards.length - 1),
        );
        complete.forEach(({ advantages }, g) => {
          expect(advantages!["total"]).toBeCloseTo((rewards[g]! - centre) / (spread + 1e-4), 6);
        });
      }
      ends.push(weights(trainee));
      await trainee.engine[Symbol.asyncDispose]();
    }
    expect(ends[1]).toEqual(ends[0]);
  });

  test("a prompt that its twin answers is left out and counted; a step of such prompts changes no weight by gradient", async () => {
    const trainee = await beginner();
    await sft(trainee, toyClips(64), { steps: 60 });
    const before = weights(trainee);
    // The twin is the clip itself: right from both, so nothing can be learnt from a comparison.
    const clips = toyClips(16).map((clip) => ({
      ...clip,
      absentSteps: new Map([...clip.absentSteps.keys()].map((step) => [step, clip.patches.steps[step]!])),
    }));
    trainee.store.updates = 0;
    for (const { firstMoment, secondMoment } of trainee.store.all()) {
      firstMoment!.fill(0);
      secondMoment!.fill(0);
    }
    const outcome = await grpo(trainee, clips, { steps: 1, optimizer: { weightDecay: 0 } });
    expect(metric(outcome, "answerableWithoutEvidence")).toEqual([8]);
    expect(readRollouts(outcome.folder)).toEqual([]);
    expect(weights(trainee)).toEqual(before);
    await trainee.engine[Symbol.asyncDispose]();
  });
});
