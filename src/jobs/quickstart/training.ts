import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { RunError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import type { Progress } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import { openEngine } from "../../engine/engines.ts";
import { clipPatches } from "../../frames/clip-patches.ts";
import { tokenOverlapEntailment } from "../../grading/entailment.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import { familyOf } from "../../model/families.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { readRun } from "../../runs/read-run.ts";
import { createRun, type Run, resumeRun } from "../../runs/run.ts";
import { absentSteps } from "../../training/absent-steps.ts";
import type { TrainingClip } from "../../training/clip.ts";
import { grpoParams, trainComparativeGrpo } from "../../training/comparative-grpo.ts";
import { type ContrastOptions, sftLosses } from "../../training/contrast.ts";
import type { LoopContext, LoopResult, Trainee } from "../../training/loop.ts";
import { sftParams, trainSft } from "../../training/sft.ts";
import { newCheckpoint } from "../new-checkpoint.ts";
import { patchShape, picturesOf } from "./clips.ts";
import { refeedInstruction, type WorldLanguage } from "./language.ts";
import type { PairedClip } from "./pairs.ts";
import { originOf, type StageData } from "./stage-config.ts";

/** What every stage needs. */
export interface StageContext {
  readonly out: string;
  readonly recipe: QuickstartRecipe;
  readonly language: WorldLanguage;
  readonly config: ModelConfig;
  readonly signal: AbortSignal;
  readonly progress: (label: string, unit: string) => Progress;
}

/** What a training stage needs besides. */
export interface TrainingContext extends StageContext {
  readonly data: StageData;
}

/** A finished training stage. */
export interface TrainedStage {
  readonly name: string;
  readonly folder: string;
  /** Its last checkpoint. */
  readonly checkpoint: string;
  readonly result: LoopResult;
}

/** Begins a run, or goes on with the one of the same configuration. @throws {RunError} when another one is there */
export const openRun = (folder: string, config: unknown): Run => {
  const file = join(folder, "config.json");
  if (!existsSync(file)) return createRun(folder, config, { keepLast: 1 });
  if (!isDeepStrictEqual(readJsonFile(file), JSON.parse(JSON.stringify(config))))
    throw new RunError("a run with another configuration is there", {
      where: folder,
      hint: "choose another --out",
    });
  return resumeRun(folder, { keepLast: 1 });
};

/** Clips with their pairs, as tokens and patches. */
export const trainingClips = (
  clips: readonly PairedClip[],
  { recipe, language }: StageContext,
): TrainingClip[] => {
  const { tokenizer, end } = language;
  return clips.map(({ sha256, samples, frames, view }): TrainingClip => {
    const { width, height } = frames;
    const { framesPerSecond } = recipe;
    return {
      id: sha256,
      patches: clipPatches(picturesOf(frames), width, height, framesPerSecond, patchShape),
      absentSteps: absentSteps(frames, view, framesPerSecond, patchShape),
      keywords: (samples[0]!.keywords ?? []).flatMap((word) => tokenizer.encode(word)),
      texts: samples.map((sample) => ({
        sampleId: sample.id,
        skill: sample.skill ?? "all",
        question: questionText(sample),
        answer: sample.answer,
        answerKind: sample.answerKind,
        ...(sample.options === undefined ? {} : { options: sample.options }),
        prompt: tokenizer.encode(questionText(sample)),
        target: [...tokenizer.encode(sample.answer), end],
        aboutEvent: sample.provenance["aboutEvent"] === true,
      })),
    };
  });
};

/** Where new weights are written before they are trained. */
const startFolder = "start";

/** A model with the weights of a checkpoint, or with new ones. */
const openTrainee = async (
  from: string | undefined,
  { config, language, recipe, out }: StageContext,
): Promise<Trainee> => {
  const { tokens, folder: tokenizerFolder } = language;
  const start = join(out, startFolder);
  if (from === undefined && !existsSync(join(start, "config.json")))
    newCheckpoint(start, familyOf(config).writeConfig(config), recipe.seed, tokenizerFolder);
  const request = { folder: from ?? start, trained: "all", recurringShapes: 2 } as const;
  const { engine } = await openEngine(recipe, request);
  return { engine, rules: batchRules(config), tokens, tokenizerFolder };
};

/** Runs one stage in its own run folder from given weights (a checkpoint, or new ones). */
const runStage = async (
  name: string,
  label: string,
  from: string | undefined,
  options: unknown,
  context: TrainingContext,
  train: (trainee: Trainee, loop: LoopContext) => Promise<LoopResult>,
): Promise<TrainedStage> => {
  const folder = join(context.out, name);
  const progress = context.progress(label, "steps");
  const { config, data, recipe } = context;
  using run = openRun(folder, {
    stage: name,
    from: await originOf(folder, from, recipe.seed),
    data,
    model: familyOf(config).writeConfig(config),
    engine: recipe.engine,
    threads: recipe.threads,
    options,
  });
  const trainee = await openTrainee(from, context);
  try {
    const result = await train(trainee, { run, progress, signal: context.signal });
    const checkpoint = run.latest()!.folder;
    // Work of earlier calls counts too: the log's clock stands still while nobody works.
    const seconds = readRun(folder).metrics.at(-1)?.timeSeconds ?? result.seconds;
    return { name, folder, checkpoint, result: { ...result, seconds } };
  } finally {
    await trainee.engine[Symbol.asyncDispose]();
  }
};

/** Supervised fine-tuning, plain or with contrast. */
export const sftStage = (
  name: string,
  label: string,
  from: string | undefined,
  settings: {
    readonly steps: number;
    readonly learningRate: number;
    readonly contrast: ContrastOptions | null;
    readonly seed: number;
  },
  clips: readonly TrainingClip[],
  context: TrainingContext,
): Promise<TrainedStage> => {
  const { clipsPerStep, textsPerClip, blindClipsPerStep } = context.recipe.sft;
  const warmupSteps = Math.min(100, Math.ceil(settings.steps / 10));
  const options = sftParams.parse({
    steps: settings.steps,
    clipsPerStep,
    textsPerClip,
    blindClipsPerStep,
    schedule: { learningRate: settings.learningRate, warmupSteps },
    ...sftLosses(settings.contrast),
    seed: settings.seed,
    checkpointEvery: 250,
  });
  return runStage(name, label, from, options, context, (trainee, loop) =>
    trainSft(trainee, clips, options, loop),
  );
};

/** Comparative GRPO on the closed questions that an event decides. */
export const grpoStage = (
  name: string,
  label: string,
  from: string,
  clips: readonly TrainingClip[],
  context: TrainingContext,
): Promise<TrainedStage> => {
  const { learningRate, ...grpo } = context.recipe.grpo;
  const schedule = { learningRate, warmupSteps: Math.min(10, grpo.steps) };
  const options = grpoParams.parse({ ...grpo, schedule, seed: context.recipe.seed });
  const prompts = clips
    .filter((clip) => clip.absentSteps.size > 0)
    .flatMap((clip) =>
      clip.texts
        .filter((text) => text.aboutEvent && text.answerKind === "choice")
        .map((text) => ({ clip, text })),
    );
  const { tokenizer, end } = context.language;
  const words = {
    decode: (tokens: readonly number[]): string => tokenizer.decode(tokens),
    endToken: end,
    refeedInstruction: tokenizer.encode(refeedInstruction),
    entailment: tokenOverlapEntailment,
  };
  return runStage(name, label, from, options, context, (trainee, loop) =>
    trainComparativeGrpo(trainee, prompts, options, words, loop),
  );
};
