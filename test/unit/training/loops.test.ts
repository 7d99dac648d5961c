import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun } from "../../../src/runs/run.ts";
import type { TrainingClip } from "../../../src/training/clip.ts";
import { sftLosses } from "../../../src/training/contrast.ts";
import type { LoopResult, Trainee } from "../../../src/training/loop.ts";
import { trainSft } from "../../../src/training/sft.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import { withoutClocks } from "../../without-clocks.ts";
import { type TinyTrainee, tinyTrainee, toyClips } from "./tiny.ts";

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
const metric = (outcome: Outcome, name: string): number[] =>
  readRun(outcome.folder).metrics.map((row) => row[name]!);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const withoutTime = (outcome: Outcome): unknown[] => readRun(outcome.folder).metrics.map(withoutClocks);
const weights = (trainee: TinyTrainee): Float32Array[] =>
  trainee.store.all().map(({ value }) => value.slice());

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
