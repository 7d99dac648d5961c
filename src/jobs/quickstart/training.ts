import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { RunError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import type { Progress } from "../../core/progress.ts";
import { openEngine } from "../../engine/engines.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import { familyOf } from "../../model/families.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { readRun } from "../../runs/read-run.ts";
import { createRun, type Run, resumeRun } from "../../runs/run.ts";
import type { HeldOutClip, TrainingClip } from "../../training/clip.ts";
import { trainComparativeGrpo } from "../../training/comparative-grpo.ts";
import { type ContrastOptions, sftLosses } from "../../training/contrast.ts";
import { grpoParams } from "../../training/grpo-options.ts";
import type { LoopContext, LoopResult, Trainee } from "../../training/loop.ts";
import { trainSftFrom } from "../../training/sft.ts";
import { type SftOptions, sftParams } from "../../training/sft-options.ts";
import { clipsInMemory, type StepSource } from "../../training/step-source.ts";
import { newCheckpoint } from "../new-checkpoint.ts";
import { refeedInstruction, type WorldLanguage } from "./language.ts";
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
  /** Clips that contrast is looked at on; never trained on. */
  readonly heldOut: readonly HeldOutClip[];
}

/** What one SFT stage does otherwise than the others. */
export interface SftSettings {
  readonly steps: number;
  readonly learningRate: number;
  readonly contrast: ContrastOptions | null;
  readonly blindClipsPerStep: number;
  readonly seed: number;
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
    await newCheckpoint(start, familyOf(config).writeConfig(config), recipe.seed, tokenizerFolder);
  const request = { folder: from ?? start, trained: "all", recurringShapes: 8 } as const;
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
  part: "supervised" | "reinforcement" = "supervised",
): Promise<TrainedStage> => {
  const folder = join(context.out, name);
  const progress = context.progress(label, "steps");
  const { config, data, recipe } = context;
  using run = openRun(folder, {
    stage: name,
    from: await originOf(folder, from, recipe.seed),
    data: { ...data, part },
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

/** Steps that show something else than the clips in a new order every epoch. */
export interface OtherSteps {
  /** What decides them; written into the run's configuration. */
  readonly described: unknown;
  readonly source: (options: SftOptions) => StepSource<TrainingClip>;
}

/** Supervised fine-tuning, plain or with contrast. */
export const sftStage = (
  name: string,
  label: string,
  from: string | undefined,
  settings: SftSettings,
  clips: readonly TrainingClip[],
  context: TrainingContext,
  other?: OtherSteps,
): Promise<TrainedStage> => {
  const { clipsPerStep, textsPerClip, instructionShare, contrast } = context.recipe.sft;
  const warmupSteps = Math.min(100, Math.ceil(settings.steps / 10));
  const options = sftParams.parse({
    steps: settings.steps,
    clipsPerStep,
    textsPerClip,
    blindClipsPerStep: settings.blindClipsPerStep,
    instructionShare,
    monitor: { block: settings.contrast?.block ?? contrast.block },
    schedule: { learningRate: settings.learningRate, warmupSteps },
    ...sftLosses(settings.contrast),
    seed: settings.seed,
    checkpointEvery: 100,
  });
  const instruction = context.language.tokenizer.encode(refeedInstruction);
  const extras = { heldOut: context.heldOut, instruction };
  const source = other?.source(options) ?? clipsInMemory(clips, options);
  const described = other === undefined ? options : { ...options, fragments: other.described };
  return runStage(name, label, from, described, context, (trainee, loop) =>
    trainSftFrom(trainee, source, options, loop, extras),
  );
};

/** Comparative GRPO on the closed questions that an event decides. @param control what is compared instead */
export const grpoStage = (
  name: string,
  label: string,
  from: string,
  clips: readonly TrainingClip[],
  context: TrainingContext,
  control: QuickstartRecipe["grpo"]["control"] = context.recipe.grpo.control,
): Promise<TrainedStage> => {
  const { learningRate, ...grpo } = context.recipe.grpo;
  const schedule = { learningRate, warmupSteps: Math.min(10, grpo.steps) };
  const options = grpoParams.parse({ seed: context.recipe.seed, ...grpo, schedule, control });
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
  };
  const train = (trainee: Trainee, loop: LoopContext): Promise<LoopResult> =>
    trainComparativeGrpo(trainee, prompts, options, words, loop);
  return runStage(name, label, from, options, context, train, "reinforcement");
};
