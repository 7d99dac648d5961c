import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { SegmentTokens } from "../../batch/segments.ts";
import { ConfigError, RunError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { flatSettings, type Settings } from "../../core/settings.ts";
import { type EngineChoice, openEngine } from "../../engine/engines.ts";
import { resizeAntialias } from "../../frames/resize-antialias.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import { familyOf, readConfigFile } from "../../model/families.ts";
import { loadProcessor } from "../../model/processor.ts";
import { createRun, type Run, resumeRun } from "../../runs/run.ts";
import { runFiles } from "../../runs/run-folder.ts";
import { conversationSource } from "../../training/conversations.ts";
import type { LoopResult } from "../../training/loop.ts";
import { trainSftFrom } from "../../training/sft.ts";
import { folderPrint } from "../../weights/folder-print.ts";
import { type ClipsOptions, openClips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import { modelFolder } from "../model-folder.ts";
import { ClipFeed, type FeedMeans } from "./clip-feed.ts";
import { describeRun, type RunDescription } from "./description.ts";
import { Dropped, type DroppedSample, readRows, type TrainingRows } from "./rows.ts";
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
  const split = request.settings["split"];
  const folders = request.data.map((folder) => resolve(folder));
  const rows = await readRows(folders, typeof split === "string" ? split : "train", dropped);
  return { model, config, rows, resolved: await resolveSettings(request, rows.groups.length), dropped };
};

const meansOf = ({ model, config, resolved, dropped }: Prepared, video: FeedMeans["video"]): FeedMeans => ({
  processor: loadProcessor(model, familyOf(config).processor, resizeAntialias),
  config,
  video,
  look: resolved.common.look,
  mostTokens: Math.min(resolved.common.mostTokens, config.text.maxPositionEmbeddings),
  dropped,
  withTwin: false,
  keywords: async () => [],
});

/** The vocabulary of a hub has no ends for segments: what is seen ends in its own token, a text like an answer. */
const ownTokens = ({ tokens }: ModelConfig): SegmentTokens => {
  const endText = tokens.endOfText[0] ?? tokens.visionEnd;
  return {
    visionStart: tokens.visionStart,
    visionEnd: tokens.visionEnd,
    video: tokens.video,
    endComplete: tokens.visionEnd,
    endAbsent: tokens.visionEnd,
    endText,
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
    rows: sha256(JSON.stringify(rows.groups.map(({ samples }) => samples.map(({ id }) => id)))),
    weights: folderPrint(model),
  },
});

/** The first value in which two configurations differ. */
const difference = (before: unknown, now: Settings): string => {
  const [old, own] = [flatSettings(before as Settings), flatSettings(now)];
  const path = [...new Set([...old.keys(), ...own.keys()])].find(
    (name) => !isDeepStrictEqual(old.get(name), own.get(name)),
  );
  return path === undefined
    ? "no difference"
    : `${path}: ${JSON.stringify(old.get(path))} before, ${JSON.stringify(own.get(path))} now`;
};

const openRun = (folder: string, config: Settings, resume: boolean): Run => {
  if (!resume || !existsSync(join(folder, runFiles.config))) return createRun(folder, config);
  const run = resumeRun(folder);
  const plain = JSON.parse(JSON.stringify(config)) as Settings;
  if (isDeepStrictEqual(run.config, plain)) return run;
  run.close();
  throw new RunError("not the run that is there", {
    where: folder,
    got: difference(run.config, plain),
    hint: "resume it with what it began with, or choose another --out",
  });
};

/**
 * Says what a run would do: nothing is decoded, computed or written.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be
 */
export const describeTraining = async (job: TrainJob, context: JobContext): Promise<RunDescription> => {
  const prepared = await prepare(job, context);
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const means = meansOf(prepared, clips.video);
  const described = await describeRun(
    prepared.rows,
    prepared.resolved,
    means,
    batchRules(prepared.config),
    context.signal,
  );
  return described;
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
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const means = meansOf(prepared, clips.video);
  using run = openRun(job.out, configOf(job, prepared), job.resume);
  dropped.keepIn(job.out);
  const ahead = { steps: options.steps, aheadBytes: common.aheadMegabytes * 1e6 };
  const { clipsPerStep, seed } = options;
  const feed = new ClipFeed(rows.groups, { ...ahead, clipsPerStep, seed }, means, signal);
  const request = { folder: model, trained: "all", recurringShapes: 8 } as const;
  const { engine, warnings } = await openEngine(job.engine, request);
  try {
    const source = conversationSource((step) => feed.take(step), common);
    const looks = { waitedSeconds: () => feed.waitedSeconds() };
    const trainee = { engine, rules: batchRules(config), tokens: ownTokens(config), tokenizerFolder: model };
    const progress = context.progress(resolved.recipe.loop, "steps");
    const { steps, seconds, ended } = await trainSftFrom(
      trainee,
      source,
      options,
      { run, progress, signal },
      { looks },
    );
    const checkpoint = run.latest()?.folder;
    if (checkpoint === undefined) throw new ConfigError("nothing to train", { expected: "steps=1 or more" });
    const { length } = rows.groups;
    const counts = { steps, seconds, ended, samples: rows.samples, clips: length, dropped: dropped.all };
    return { folder: job.out, checkpoint, ...counts, warnings };
  } finally {
    await engine[Symbol.asyncDispose]();
  }
};
