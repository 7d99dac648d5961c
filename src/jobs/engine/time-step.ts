/** How long a short step takes on an engine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SegmentsBatch } from "../../batch/segments-batch.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { seededRandom } from "../../core/random.ts";
import type { Engine } from "../../engine/contract.ts";
import { openEngine } from "../../engine/engines.ts";
import { emptyStore } from "../../engine/model-store.ts";
import { takeStep } from "../../engine/take-step.ts";
import { initialize } from "../../model/initialize.ts";
import { saveCheckpoint } from "../../model/save-checkpoint.ts";
import { makeLosses, sumOfLosses } from "../../objectives/losses.ts";
import { countsProcesses, peakBytes, spentSeconds } from "./process-cost.ts";
import { type RateStep, type RateWork, rateWorkOf } from "./rate-steps.ts";

/** A step that was timed, and what it asked for. */
export interface TimedStep extends RateWork {
  readonly name: string;
  /** Without its update. */
  readonly seconds: number;
  /** Of the update; 0 where nothing is trained. */
  readonly updateSeconds: number;
  /** Of the process that had most; null where nobody counts it, as on a GPU. */
  readonly peakBytes: number | null;
}

/** What is timed: a step's passes or its drawing, and the update behind it. */
interface Timed {
  readonly run: () => Promise<unknown>;
  readonly update: () => Promise<unknown>;
}

const middleOf = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** Repeats both for a second and a half, five times at least, after once that does not count. @returns medians of both */
const timed = async ({ run, update }: Timed, isOnGpu: boolean): Promise<readonly [number, number]> => {
  const clock = !isOnGpu && countsProcesses() ? spentSeconds : () => nowMilliseconds() / 1000;
  const once = async (): Promise<readonly [number, number]> => {
    const begun = clock();
    await run();
    const between = clock();
    await update();
    return [between - begun, clock() - between];
  };
  await once();
  const times: (readonly [number, number])[] = [];
  const spent = (): number => times.reduce((sum, [ran]) => sum + ran, 0);
  while (times.length < 5 || (spent() < 1.5 && times.length < 50)) times.push(await once());
  // A clock of hundredths: what takes few of them is averaged.
  const whole = times.map(([, updated]) => updated).reduce((sum, one) => sum + one, 0) / times.length;
  const ran = spent() / times.length;
  return [ran < 0.2 ? ran : middleOf(times.map(([one]) => one)), whole];
};

const trainingStep = async (engine: Engine, { batch, scored }: SegmentsBatch): Promise<Timed> => {
  const objective = sumOfLosses(await makeLosses({ "cross-entropy": {} }));
  const weights = new Float32Array(batch.scored.rows.length).fill(1 / scored.length, 0, scored.length);
  const rule = {
    learningRate: 1e-5,
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradientNorm: 1,
  };
  return {
    run: () => takeStep(engine, [batch], objective, { weights }),
    update: async () => {
      await engine.update(rule);
      await engine.clearGradient();
    },
  };
};

const drawingStep = (
  engine: Engine,
  { batch, ends }: SegmentsBatch,
  [completions, maxNewTokens]: readonly [number, number],
): Timed => ({
  run: () =>
    engine.sample({
      batch,
      nextPositions: ends.map(({ nextPosition }) => nextPosition),
      ...{ completions, maxNewTokens, temperature: 1, stopTokens: [], seed: "rates" },
    }),
  update: async () => {},
});

/** Times one step on an engine of its own. @throws {EngineError} when it cannot be opened, or fails */
export const timeStep = async (
  step: RateStep,
  engine: string,
  threads: number,
  isOnGpu: boolean,
): Promise<TimedStep> => {
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-rates-"));
  try {
    const work = await rateWorkOf(step, isOnGpu);
    const { config, made } = work;
    const store = emptyStore(config, "none");
    initialize(store.all(), seededRandom(1, "weights"));
    saveCheckpoint(folder, config, store.tensors(), { dtype: "float32" });
    const opened = await openEngine({ engine, threads }, { folder, trained: "all" });
    await using own = opened.engine;
    const what =
      step.draws === undefined ? await trainingStep(own, made) : drawingStep(own, made, step.draws);
    const [seconds, updateSeconds] = await timed(what, isOnGpu);
    const peak = !isOnGpu && countsProcesses() ? peakBytes() : null;
    return { ...work, name: step.name, seconds, updateSeconds, peakBytes: peak };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
