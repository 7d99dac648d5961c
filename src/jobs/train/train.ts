import { resolve } from "node:path";
import type { GroupAtBlock } from "../../batch/segments.ts";
import { ConfigError } from "../../core/errors.ts";
import type { Settings } from "../../core/settings.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import { productRate } from "../../engine/onnx/product-rate.ts";
import { resizeAntialias } from "../../frames/resize-antialias.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import { familyOf, readConfigFile } from "../../model/families.ts";
import { loadProcessor } from "../../model/processor.ts";
import { makeLosses } from "../../objectives/losses.ts";
import { conversationSource } from "../../training/conversations.ts";
import type { LoopResult } from "../../training/loop.ts";
import { trainSftFrom } from "../../training/sft.ts";
import { folderPrint } from "../../weights/folder-print.ts";
import { type ClipsOptions, openClips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import { modelFolder } from "../model-folder.ts";
import { ClipFeed, type FeedMeans } from "./clip-feed.ts";
import { describeRun, type RunDescription } from "./description.ts";
import { heldOutClips, heldOutLooks } from "./held-out.ts";
import { heldOutAnswers } from "./held-out-answers.ts";
import { GroupKeywords } from "./keywords.ts";
import { openTrainee } from "./open-trainee.ts";
import { Dropped, type DroppedSample, readRows, type TrainingRows } from "./rows.ts";
import { openTrainingRun } from "./run-config.ts";
import { type ResolvedSettings, resolveSettings, type TrainRequest } from "./settings.ts";

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
}

/** A request with everything that can be known before a model is in memory. */
interface Prepared {
  readonly model: string;
  readonly config: ModelConfig;
  readonly rows: TrainingRows;
  readonly resolved: ResolvedSettings;
  readonly dropped: Dropped;
}

const prepare = async ({ request }: TrainJob, context: JobContext): Promise<Prepared> => {
  const model = resolve(await modelFolder(request.model, "--model", context));
  const config = await readConfigFile(model);
  const dropped = new Dropped((line) => context.warn(line));
  const folders = request.data.map((folder) => resolve(folder));
  // Settings are checked before rows are read; how many clips there are only says how many steps.
  const { split, validation } = (await resolveSettings(request, 1)).common;
  const rows = await readRows(folders, { train: split, heldOut: validation.split }, dropped);
  return { model, config, rows, resolved: await resolveSettings(request, rows.groups.length), dropped };
};

/** The states that losses read; with any, clips are contrasted. @throws {ConfigError} for a block that is not there */
const statesOf = async ({ config, resolved }: Prepared): Promise<readonly GroupAtBlock[]> => {
  const states = Object.values(await makeLosses(resolved.options.losses)).flatMap((term) => term.states);
  const beyond = states.find(({ block }) => block > config.text.layers);
  if (beyond !== undefined)
    throw new ConfigError("a loss reads a block that the model does not have", {
      expected: `1 to ${config.text.layers}`,
      got: String(beyond.block),
      hint: "e.g. --set losses.contrastive.block=2",
    });
  return states;
};

const meansOf = async (prepared: Prepared, video: FeedMeans["video"]): Promise<FeedMeans> => {
  const { model, config, resolved, dropped } = prepared;
  const { look, mostTokens, extractor } = resolved.common;
  const processor = loadProcessor(model, familyOf(config).processor, resizeAntialias);
  const withTwin = (await statesOf(prepared)).length > 0;
  return {
    processor,
    config,
    video,
    look,
    mostTokens: Math.min(mostTokens, config.text.maxPositionEmbeddings),
    dropped,
    withTwin,
    keywords: withTwin ? await GroupKeywords.make(extractor, processor.tokenizer) : undefined,
  };
};

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

/**
 * Says what a run would do: nothing is decoded or written, and nothing computed but how fast this machine multiplies.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be
 */
export const describeTraining = async (job: TrainJob, context: JobContext): Promise<RunDescription> => {
  const prepared = await prepare(job, context);
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const means = await meansOf(prepared, clips.video);
  const { engine, threads } = job.engine;
  const isEmbedded = (engine ?? "onnx").startsWith("onnx");
  const use = {
    rules: batchRules(prepared.config),
    states: await statesOf(prepared),
    rate: isEmbedded ? await productRate(threads) : undefined,
  };
  return await describeRun(prepared.rows, prepared.resolved, means, use, context.signal);
};

/**
 * Trains a checkpoint on data sets; the run folder holds its configuration, metrics, checkpoints and what was dropped.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be
 * @throws {RunError} for a folder that holds something else, or another run
 * @throws an `AbortError` after saving, when the signal says so
 */
export const train = async (job: TrainJob, context: JobContext): Promise<TrainResult> => {
  const prepared = await prepare(job, context);
  const { model, config, rows, resolved, dropped } = prepared;
  const { common, options } = resolved;
  const { signal } = context;
  const { request } = job;
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const means = await meansOf(prepared, clips.video);
  using run = openTrainingRun(job.out, configOf(job, prepared), job.resume);
  dropped.keepIn(job.out);
  if ((options.watch?.validateEvery ?? 0) > 0 && rows.heldOut.length === 0)
    context.warn(`nothing to look at: no samples of the part "${common.validation.split}"`);
  const ahead = { steps: options.steps, aheadBytes: common.aheadMegabytes * 1e6 };
  const { clipsPerStep, seed } = options;
  const feed = new ClipFeed(rows.groups, { ...ahead, clipsPerStep, seed }, means, signal);
  const { trained, lora } = common;
  const weights = { model, config, engine: job.engine, trained, lora, seed, folder: job.out };
  const { trainee, warnings } = await openTrainee(weights);
  try {
    const source = conversationSource((step) => feed.take(step), common);
    const progress = context.progress(request.recipe, "steps");
    const held = heldOutClips(rows.heldOut, means, { ...common, seed }, signal);
    const asking = { trainee, means, settings: common, run, progress, signal };
    const looks = {
      heldOut: heldOutLooks(held, common, trainee),
      validate: heldOutAnswers(held, asking),
      waitedSeconds: () => feed.waitedSeconds(),
    };
    const loop = { run, progress, signal };
    const { steps, seconds, ended } = await trainSftFrom(trainee, source, options, loop, { looks });
    const checkpoint = run.latest()?.folder;
    if (checkpoint === undefined) throw new ConfigError("nothing to train", { expected: "steps=1 or more" });
    const { length } = rows.groups;
    const counts = { steps, seconds, ended, samples: rows.samples, clips: length, dropped: dropped.all };
    return { folder: job.out, checkpoint, ...counts, warnings };
  } finally {
    await trainee.engine[Symbol.asyncDispose]();
  }
};
