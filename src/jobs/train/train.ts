import { ConfigError } from "../../core/errors.ts";
import type { Settings } from "../../core/settings.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import { productRate } from "../../engine/product-rate.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { modelFamilies } from "../../model/families.ts";
import { trainingRecipes } from "../../recipes/train/training-recipes.ts";
import type { LoopResult } from "../../training/loop.ts";
import { folderPrint } from "../../weights/folder-print.ts";
import { type ClipsOptions, openClips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import { describeRun, type RunDescription } from "./description.ts";
import { openTrainee } from "./open-trainee.ts";
import { type Prepared, prepare, readingSettings, statesOf } from "./prepare.ts";
import { readingMeans } from "./reading.ts";
import { openReadingThread } from "./reading-thread.ts";
import { describeEncoder, prepareEncoder, trainRelevance } from "./relevance.ts";
import type { DroppedSample } from "./rows.ts";
import { openTrainingRun } from "./run-config.ts";
import { beginTraining } from "./run-loop.ts";
import type { TrainRequest } from "./settings.ts";

/** What is trained, where it goes, and how clips are read. */
export interface TrainJob {
  readonly request: TrainRequest;
  readonly out: string;
  /** Go on with the run that is there. */
  readonly resume: boolean;
  readonly engine: EngineChoice;
  readonly clips: ClipsOptions;
}

/** How a run ended. */
export interface TrainResult {
  readonly folder: string;
  /** Its last checkpoint. */
  readonly checkpoint: string;
  readonly steps: number;
  readonly seconds: number;
  readonly ended: LoopResult["ended"];
  readonly samples: number;
  readonly clips: number;
  readonly dropped: readonly DroppedSample[];
  readonly warnings: readonly string[];
  /** How it is used, for a person. */
  readonly use: string;
}

/** What `config.json` says: enough to run it again, and to notice that something else is there now. */
const configOf = ({ request, engine }: TrainJob, { model, rows, resolved }: Prepared): Settings => ({
  recipe: request.recipe,
  model,
  data: rows.datasets.map(({ folder }) => folder),
  engine: engine.engine ?? "onnx",
  threads: engine.threads,
  settings: resolved.settings,
  resolved: {
    contents: rows.datasets.map(({ contentHash }) => contentHash),
    rows: rows.hash,
    weights: folderPrint(model),
  },
});

/** Whether a recipe makes a new frame-text encoder. */
const makesEncoder = async ({ recipe }: TrainRequest): Promise<boolean> =>
  (await trainingRecipes.make(recipe)).value.loop === "relevance";

const trainEncoder = async (job: TrainJob, context: JobContext): Promise<TrainResult> => {
  const { request, out, resume, engine } = job;
  const prepared = await prepareEncoder(request, context);
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const run = { out, resume, threads: engine.threads, request, clips };
  const done = await trainRelevance(prepared, run, context);
  const { rows, dropped } = prepared;
  const use = `use it: videoperceiver absent CLIP --keywords WORDS --relevance checkpoint:${out}`;
  return { folder: out, ...done, samples: rows.samples, dropped: dropped.all, warnings: [], use };
};

/**
 * Says what a run would do: nothing is decoded or written, and nothing computed but how fast this machine multiplies.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be
 */
export const describeTraining = async (job: TrainJob, context: JobContext): Promise<RunDescription> => {
  if (await makesEncoder(job.request)) {
    const encoder = await prepareEncoder(job.request, context);
    return describeEncoder(encoder, await productRate(job.engine.threads));
  }
  const prepared = await prepare(job.request, context);
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const means = await readingMeans(await readingSettings(prepared), { video: clips.video }, prepared.dropped);
  const { engine, threads } = job.engine;
  // What other engines need is not known before they run.
  const isKnown = (engine ?? "onnx").startsWith("onnx");
  const use = {
    rules: batchRules(prepared.config),
    states: await statesOf(prepared),
    rate: isKnown ? await productRate(threads) : undefined,
  };
  return await describeRun(prepared, means, use, context.signal);
};

/**
 * Trains a checkpoint on data sets; the run folder holds its configuration, metrics, checkpoints and what was dropped.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be
 * @throws {RunError} for a folder that holds something else, or another run
 * @throws an `AbortError` after saving, when the signal says so
 */
export const train = async (job: TrainJob, context: JobContext): Promise<TrainResult> => {
  if (await makesEncoder(job.request)) return trainEncoder(job, context);
  const prepared = await prepare(job.request, context);
  const { model, config, rows, resolved, counts, dropped } = prepared;
  const { common, chosen } = resolved;
  const warn = (line: string): void => context.warn(line);
  await using clips = openClips(job.clips, warn);
  const reading = await readingSettings(prepared);
  modelFamilies.elsewhere(config.family);
  await using reader = openReadingThread(reading, job.clips, { dropped, warn });
  const means = await readingMeans(reading, clips, dropped);
  using run = openTrainingRun(job.out, configOf(job, prepared), job.resume);
  dropped.keepIn(job.out);
  if ((chosen.options.watch?.validateEvery ?? 0) > 0 && rows.heldOut.length === 0)
    context.warn(`nothing to look at: no samples of the part "${common.validation.split}"`);
  const { seed } = chosen.options;
  const parts = { trained: common.trained, lora: common.lora };
  const memoryBytes = common.featureMegabytes * 1e6;
  const disk = clips.features && { disk: clips.features };
  const features =
    memoryBytes === 0 && disk === undefined ? undefined : { memoryBytes, ...disk, onTrouble: warn };
  const weights = { model, config, engine: job.engine, ...parts, seed, folder: job.out, features };
  const progress = context.progress(job.request.recipe, "steps");
  const loop = beginTraining({ prepared, means, reader, run, progress, signal: context.signal });
  const { trainee, warnings } = await openTrainee(weights);
  try {
    const { steps, seconds, ended } = await loop(trainee);
    const checkpoint = run.latest()?.folder;
    if (checkpoint === undefined) throw new ConfigError("nothing to train", { expected: "steps=1 or more" });
    const done = { steps, seconds, ended, ...counts, dropped: dropped.all };
    const use = `ask it: videoperceiver ask CLIP QUESTION --model ${job.out}`;
    return { folder: job.out, checkpoint, ...done, warnings, use };
  } finally {
    await trainee.engine[Symbol.asyncDispose]();
  }
};
