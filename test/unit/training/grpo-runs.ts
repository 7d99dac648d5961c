/** Runs of Comparative GRPO on the toy, and what the loop gives to its engine. */
import { join } from "node:path";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import type { Completion, Engine, FeedArray, SampleRequest } from "../../../src/engine/contract.ts";
import { readRun } from "../../../src/runs/read-run.ts";
import { createRun } from "../../../src/runs/run.ts";
import type { TrainingClip } from "../../../src/training/clip.ts";
import type { Prompt } from "../../../src/training/clip-prompts.ts";
import { trainComparativeGrpo } from "../../../src/training/comparative-grpo.ts";
import { grpoParams } from "../../../src/training/grpo-options.ts";
import type { LoopContext } from "../../../src/training/loop.ts";
import { trainSft } from "../../../src/training/sft.ts";
import { sftParams } from "../../../src/training/sft-options.ts";
import { instruction, type TinyTrainee, tinyLanguage, tinyTrainee, toyClips } from "./tiny.ts";

let runs = 0;
const inRun = async (folder: string, work: (context: LoopContext) => Promise<unknown>): Promise<string> => {
  const own = join(folder, `run ${runs++}`);
  using run = createRun(own, {});
  await work({ run, progress: silentProgress, signal: new AbortController().signal });
  return own;
};

/** Clips whose questions stand there twice: as they are, and with the refeed's instruction behind them. */
export const instructedClips = (clips: readonly TrainingClip[]): TrainingClip[] =>
  clips.map((clip) => ({
    ...clip,
    texts: clip.texts.flatMap((text) => [text, { ...text, prompt: [...text.prompt, ...instruction] }]),
  }));

const begun = new Map<number, readonly Float32Array[]>();

/** Weights after some steps, trained once a file. */
const begunWeights = async (folder: string, steps: number): Promise<readonly Float32Array[]> => {
  const known = begun.get(steps);
  if (known !== undefined) return known;
  const trainee = tinyTrainee(folder);
  const schedule = { learningRate: 1e-2, warmupSteps: 2 };
  const options = sftParams.parse({ steps, clipsPerStep: 8, schedule });
  await inRun(folder, (context) => trainSft(trainee, instructedClips(toyClips(64)), options, context));
  await trainee.engine[Symbol.asyncDispose]();
  const made = weightsOf(trainee);
  begun.set(steps, made);
  return made;
};

/** A trainee that has begun to answer in words but often wrongly, and knows the instruction. */
export const beginner = async (
  folder: string,
  engine?: (trainee: TinyTrainee) => Engine,
  steps = 10,
): Promise<TinyTrainee> => {
  const weights = await begunWeights(folder, steps);
  const trainee = tinyTrainee(folder);
  trainee.store.all().forEach(({ value }, i) => {
    value.set(weights[i]!);
  });
  return engine === undefined ? trainee : { ...trainee, engine: engine(trainee) };
};

/** Trains on the clips' questions. @returns the run's folder */
export const grpo = (
  folder: string,
  trainee: TinyTrainee,
  clips: readonly TrainingClip[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<string> => {
  const parsed = grpoParams.parse({
    steps: 4,
    promptsPerStep: 8,
    completions: 4,
    maxNewTokens: 2,
    schedule: { learningRate: 5e-3, warmupSteps: 0 },
    ...options,
  });
  const prompts = clips.flatMap((clip): Prompt[] => clip.texts.map((text) => ({ clip, text })));
  return inRun(folder, (context) => trainComparativeGrpo(trainee, prompts, parsed, tinyLanguage, context));
};

/** A metric of every step. */
export const metric = (run: string, name: string): number[] => readRun(run).metrics.map((row) => row[name]!);

/** All weights, copied. */
export const weightsOf = (trainee: TinyTrainee): Float32Array[] =>
  trainee.store.all().map(({ value }) => value.slice());

/** What the loop gave to its engine. */
export interface Seen {
  readonly samples: SampleRequest[];
  /** What was drawn at each request. */
  readonly drawn: (readonly (readonly Completion[])[])[];
  readonly steps: {
    readonly batch: TokenBatch;
    readonly extra: Readonly<Record<string, FeedArray>>;
    readonly logprobs: Float32Array;
  }[];
}

/** The trainee's engine, watched. */
export const watched = (trainee: TinyTrainee, seen: Seen): Engine => {
  const { engine } = trainee;
  const step: NonNullable<Engine["step"]> = async (batch, objective, feeds, options) => {
    const { tokenLogprobs } = (await engine.forward([batch])).outputs[0]!;
    seen.steps.push({ batch, extra: feeds, logprobs: tokenLogprobs });
    return engine.step!(batch, objective, feeds, options);
  };
  const sample: Engine["sample"] = async (request, options) => {
    seen.samples.push(request);
    const drawn = await engine.sample(request, options);
    seen.drawn.push(drawn);
    return drawn;
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
