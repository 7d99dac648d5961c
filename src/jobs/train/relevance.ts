/** `train relevance`: a new frame-text encoder on the clips and captions of data sets. */
import { resolve } from "node:path";
import { ConfigError, VideoPerceiverError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Settings } from "../../core/settings.ts";
import type { Sample } from "../../dataset/sample.ts";
import { dualEncoderOpener } from "../../engine/engines.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { readFrames } from "../../frames/read-frames.ts";
import { resizeBatch } from "../../frames/resize.ts";
import type { DualEncoderConfig } from "../../model/dual-encoder-config.ts";
import { type KeywordClip, trainEncoderRun } from "../../training/dual-encoder.ts";
import type { LoopResult } from "../../training/loop.ts";
import type { VideoService } from "../../video/service.ts";
import type { JobContext } from "../job-context.ts";
import { ClipFeed } from "./clip-feed.ts";
import { encoderLooks, type HeldOutKeywords } from "./encoder-looks.ts";
import { CaptionKeywords } from "./keywords.ts";
import type { ChosenLoop } from "./loops.ts";
import { Dropped, readRows, type SampleGroup, type TrainingRows } from "./rows.ts";
import { openTrainingRun } from "./run-config.ts";
import { type ResolvedSettings, resolveSettings, type TrainRequest } from "./settings.ts";

type EncoderOptions = Extract<ChosenLoop, { loop: "relevance" }>["options"];

/** What a new encoder is to be trained on. */
export interface PreparedEncoder {
  readonly rows: TrainingRows;
  readonly resolved: ResolvedSettings;
  readonly options: EncoderOptions;
  /** One a clip. */
  readonly clips: readonly SampleGroup[];
  readonly heldOut: readonly SampleGroup[];
  readonly dropped: Dropped;
}

/** The samples of each clip together, however they look at it. */
const byClip = (groups: readonly SampleGroup[]): SampleGroup[] => {
  const clips = new Map<string, { folder: string; samples: Sample[] }>();
  for (const { folder, samples } of groups) {
    const known = clips.get(samples[0]!.clip.sha256) ?? { folder, samples: [] };
    clips.set(samples[0]!.clip.sha256, known);
    known.samples.push(...samples);
  }
  return [...clips.values()];
};

/** Reads what a request names. @throws {ConfigError} for a model: this one is new */
export const prepareEncoder = async (
  request: TrainRequest,
  context: JobContext,
): Promise<PreparedEncoder> => {
  if (request.model !== "")
    throw new ConfigError("a model for a recipe that makes a new one", {
      got: request.model,
      hint: "leave --model out",
    });
  const dropped = new Dropped((line) => context.warn(line));
  const first = await resolveSettings(request, 1);
  const { split } = first.common;
  const { validation } = first.chosen.options as EncoderOptions;
  const folders = request.data.map((folder) => resolve(folder));
  const rows = await readRows(folders, { train: split, heldOut: validation.split }, dropped);
  const clips = byClip(rows.groups);
  const resolved = await resolveSettings(request, clips.length);
  const options = resolved.chosen.options as EncoderOptions;
  if (options.pixels % options.patch !== 0)
    throw new ConfigError("pixels that are no whole patches", {
      expected: `a multiple of ${options.patch}`,
      got: String(options.pixels),
    });
  return { rows, resolved, options, clips, heldOut: byClip(rows.heldOut), dropped };
};

/** Frames of a clip, evenly spread, at the encoder's size. @throws {VideoError} for a clip that cannot be read */
const readClip = async (
  { folder, samples }: SampleGroup,
  { framesPerClip, pixels }: EncoderOptions,
  video: Pick<VideoService, "frames">,
  signal: AbortSignal,
): Promise<Uint8Array[]> => {
  const { file, timeline } = samples[0]!.clip;
  const places = Array.from({ length: framesPerClip }, (_, i) =>
    Math.floor(((i + 0.5) * timeline.length) / framesPerClip),
  );
  const request = { select: { kind: "indices", indices: [...new Set(places)] } } as const;
  const resized = resizeBatch(
    await readFrames(video, resolve(folder, file), request, signal),
    pixels,
    pixels,
  );
  const found = new Map(
    resized.frames.map(({ index }, at) => [index as number, pixelsOf(resized, at).slice()]),
  );
  return places.map((index) => found.get(index)!);
};

/** Words of keywords, as the encoder knows them. */
const wordsOf = (keywords: readonly string[]): string[] =>
  keywords.flatMap((keyword) => keyword.toLowerCase().split(/\s+/)).filter((word) => word !== "");

/** Clips that can be read and about which something is said; others are dropped and named. */
const usable = async (
  clips: readonly SampleGroup[],
  keywords: CaptionKeywords,
  { dropped }: PreparedEncoder,
  signal: AbortSignal,
): Promise<{ group: SampleGroup; words: string[] }[]> => {
  const good: { group: SampleGroup; words: string[] }[] = [];
  for (const group of clips)
    try {
      good.push({ group, words: wordsOf(await keywords.of(group.samples, signal)) });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      const { id, clip } = group.samples[0]!;
      dropped.add({ file: resolve(group.folder, clip.file), id, reason: error.message });
    }
  return good;
};

/** Where the run goes and what it is computed with. */
export interface EncoderRun {
  readonly out: string;
  readonly resume: boolean;
  readonly threads: number;
  readonly request: TrainRequest;
  readonly video: VideoService;
}

/** A finished encoder. */
export interface TrainedEncoder extends LoopResult {
  readonly checkpoint: string;
  readonly clips: number;
}

const configOf = ({ rows, resolved }: PreparedEncoder, { request, threads }: EncoderRun): Settings => ({
  recipe: request.recipe,
  data: rows.datasets.map(({ folder }) => folder),
  threads,
  settings: resolved.settings,
  resolved: { contents: rows.datasets.map(({ contentHash }) => contentHash) },
});

/**
 * Trains a new encoder; its words are those of the clips' keywords.
 *
 * @throws {ConfigError} when fewer clips are left than two
 */
export const trainRelevance = async (
  prepared: PreparedEncoder,
  job: EncoderRun,
  context: JobContext,
): Promise<TrainedEncoder> => {
  const { resolved, options, heldOut, dropped } = prepared;
  const { signal } = context;
  const keywords = await CaptionKeywords.make(resolved.common.extractor);
  const said = await usable(prepared.clips, keywords, prepared, signal);
  using run = openTrainingRun(job.out, configOf(prepared, job), job.resume);
  dropped.keepIn(job.out);
  // Every clip is read once before the first step: steps are of one size, so none of theirs may be missing.
  const kept = new Map<SampleGroup, Uint8Array[]>();
  let room = resolved.common.aheadMegabytes * 1e6;
  const looking = context.progress("reading clips", "clips");
  const read = async (group: SampleGroup): Promise<Uint8Array[]> =>
    kept.get(group) ?? (await readClip(group, options, job.video, signal));
  const good: typeof said = [];
  for (const [at, one] of said.entries()) {
    try {
      const frames = await read(one.group);
      const bytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (bytes <= room) kept.set(one.group, frames);
      room -= Math.min(bytes, room);
      good.push(one);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      const { id, clip } = one.group.samples[0]!;
      dropped.add({ file: resolve(one.group.folder, clip.file), id, reason: error.message });
    }
    looking.update(at + 1, said.length);
  }
  if (good.length < 2)
    throw new ConfigError("too few clips to tell apart", { expected: "2 or more", got: String(good.length) });
  const config: DualEncoderConfig = {
    family: "videoperceiver-dual-encoder",
    pixels: options.pixels,
    patch: options.patch,
    width: options.width,
    reach: options.reach,
    words: [...new Set(good.flatMap(({ words }) => words))].sort(),
  };
  const clipAt = async (at: number): Promise<KeywordClip> => {
    const { group, words } = good[at]!;
    return { frames: await read(group), keywords: words };
  };
  const bytes = ({ frames }: KeywordClip): number => frames.reduce((sum, one) => sum + one.byteLength, 0);
  const { clipsPerStep, seed, steps, framesPerClip } = options;
  const ahead = { clipsPerStep, seed, steps, aheadBytes: resolved.common.aheadMegabytes * 1e6 };
  const feed = new ClipFeed(good.length, clipAt, ahead, dropped, bytes);
  const drawn = seededRandom(seed, "held out")
    .shuffled([...heldOut])
    .slice(0, options.validation.clips);
  const known = new Set(config.words);
  const held = (await usable(drawn, keywords, prepared, signal)).flatMap(
    ({ group, words }): HeldOutKeywords[] => {
      const own = words.filter((word) => known.has(word));
      return own.length === 0
        ? []
        : [{ words: own, read: () => readClip(group, options, job.video, signal) }];
    },
  );
  const opener = await dualEncoderOpener();
  const validate = encoderLooks(held, opener, job.threads);
  const source = { take: (step: number) => feed.take(step), framesPerClip };
  const progress = context.progress(job.request.recipe, "steps");
  const loop = { ...options, threads: job.threads, validate };
  const done = await trainEncoderRun(opener, config, source, loop, { run, progress, signal });
  return { ...done, checkpoint: run.latest()!.folder, clips: good.length };
};
