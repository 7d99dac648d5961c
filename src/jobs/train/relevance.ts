/** `train relevance`: a new frame-text encoder on the clips and captions of data sets. */
import { resolve } from "node:path";
import { ConfigError, DataFormatError, VideoPerceiverError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Settings } from "../../core/settings.ts";
import type { Sample } from "../../dataset/sample.ts";
import { dualEncoderOpener } from "../../engine/engines.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { readFrames } from "../../frames/read-frames.ts";
import { resizeBatch } from "../../frames/resize.ts";
import { type KeywordClip, trainEncoderRun } from "../../training/dual-encoder.ts";
import type { LoopResult } from "../../training/loop.ts";
import type { Clips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import { ClipFeed } from "./clip-feed.ts";
import type { RunDescription } from "./description.ts";
import { encoderLooks, type HeldOutKeywords } from "./encoder-looks.ts";
import { estimateEncoder } from "./estimate-planned.ts";
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

/**
 * Reads what a request names.
 *
 * @throws {ConfigError} for a model, since this one is new, and for an engine that cannot make it
 */
export const prepareEncoder = async (
  request: TrainRequest,
  context: JobContext,
): Promise<PreparedEncoder> => {
  if (request.model !== "")
    throw new ConfigError("a model for a recipe that makes a new one", {
      got: request.model,
      hint: "leave --model out",
    });
  if (request.engine !== undefined && request.engine !== "onnx")
    throw new ConfigError("an engine that does not train this encoder", {
      expected: "onnx",
      got: request.engine,
      hint: "leave --engine out",
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

/**
 * Frames of a clip, evenly spread, at the encoder's size.
 * @throws {VideoError | DataFormatError} for a clip that cannot be read, or another one in its place
 */
const readClip = async (
  { folder, samples }: SampleGroup,
  { framesPerClip, pixels }: EncoderOptions,
  { video, sha256 }: Pick<Clips, "video" | "sha256">,
  signal: AbortSignal,
): Promise<Uint8Array[]> => {
  const { timeline, sha256: known, ...clip } = samples[0]!.clip;
  const file = resolve(folder, clip.file);
  const places = Array.from({ length: framesPerClip }, (_, i) =>
    Math.floor(((i + 0.5) * timeline.length) / framesPerClip),
  );
  const request = { select: { kind: "indices", indices: [...new Set(places)] } } as const;
  const resized = resizeBatch(await readFrames(video, file, request, signal), pixels, pixels);
  const content = await sha256(file);
  if (content !== known)
    throw new DataFormatError("a clip that is not the one of the data set", {
      where: file,
      expected: `content ${known.slice(0, 12)}…`,
      got: `${content.slice(0, 12)}…`,
    });
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
  kept: KeptFrames,
  signal: AbortSignal,
): Promise<SaidClip[]> => {
  const good: SaidClip[] = [];
  for (const group of clips)
    try {
      const words = wordsOf(await keywords.of(group.samples, signal));
      await kept.of(group);
      good.push({ group, words });
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
  readonly clips: Pick<Clips, "video" | "sha256">;
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
  resolved: { contents: rows.datasets.map(({ contentHash }) => contentHash), rows: rows.hash },
});

/** A clip with what is said about it. */
interface SaidClip {
  readonly group: SampleGroup;
  readonly words: readonly string[];
}

/** Frames of clips, kept while there is room; read again where there was none. */
class KeptFrames {
  readonly #kept = new Map<SampleGroup, Uint8Array[]>();
  readonly #read: (group: SampleGroup) => Promise<Uint8Array[]>;
  #room: number;

  constructor(read: (group: SampleGroup) => Promise<Uint8Array[]>, room: number) {
    this.#read = read;
    this.#room = room;
  }

  async of(group: SampleGroup): Promise<readonly Uint8Array[]> {
    const known = this.#kept.get(group);
    if (known !== undefined) return known;
    const frames = await this.#read(group);
    const bytes = bytesOf(frames);
    if (bytes <= this.#room) this.#kept.set(group, frames);
    this.#room -= Math.min(bytes, this.#room);
    return frames;
  }
}

const bytesOf = (frames: readonly Uint8Array[]): number =>
  frames.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Held-out clips with those of their words that the encoder knows. */
const heldOutWords = async (
  prepared: PreparedEncoder,
  keywords: CaptionKeywords,
  known: ReadonlySet<string>,
  kept: KeptFrames,
  signal: AbortSignal,
): Promise<HeldOutKeywords[]> => {
  const { heldOut, options } = prepared;
  const drawn = seededRandom(options.seed, "held out")
    .shuffled([...heldOut])
    .slice(0, options.validation.clips);
  const said = await usable(drawn, keywords, prepared, kept, signal);
  return said.flatMap(({ group, words }): HeldOutKeywords[] => {
    const own = words.filter((word) => known.has(word));
    return own.length === 0 ? [] : [{ words: own, read: () => kept.of(group) }];
  });
};

/**
 * Trains a new encoder; its words are those of the clips' keywords. Every clip is read once before the first step: steps
 * are of one size, so none of theirs may be missing.
 *
 * @throws {ConfigError} when fewer clips are left than two
 */
export const trainRelevance = async (
  prepared: PreparedEncoder,
  job: EncoderRun,
  context: JobContext,
): Promise<TrainedEncoder> => {
  const { resolved, options, dropped } = prepared;
  const { signal } = context;
  const { clipsPerStep, seed, steps, framesPerClip, pixels, patch, width, reach } = options;
  using run = openTrainingRun(job.out, configOf(prepared, job), job.resume);
  dropped.keepIn(job.out);
  const aheadBytes = resolved.common.aheadMegabytes * 1e6;
  const keptBytes = resolved.common.keptMegabytes * 1e6;
  const kept = new KeptFrames((group) => readClip(group, options, job.clips, signal), keptBytes);
  const keywords = await CaptionKeywords.make(resolved.common.extractor);
  const good = await usable(prepared.clips, keywords, prepared, kept, signal);
  if (good.length < 2)
    throw new ConfigError("too few clips to tell apart", { expected: "2 or more", got: String(good.length) });
  const words = [...new Set(good.flatMap((one) => one.words))].sort();
  const config = { family: "videoperceiver-dual-encoder", pixels, patch, width, reach, words } as const;
  const clipAt = async (at: number): Promise<KeywordClip> => {
    const { group, words: own } = good[at]!;
    return { frames: await kept.of(group), keywords: own };
  };
  const ahead = { clipsPerStep, seed, steps, aheadBytes };
  const feed = new ClipFeed(good.length, clipAt, ahead, dropped, ({ frames }) => bytesOf(frames));
  const held = await heldOutWords(prepared, keywords, new Set(words), kept, signal);
  const opener = await dualEncoderOpener();
  const loop = { ...options, threads: job.threads, validate: encoderLooks(held, opener, job.threads) };
  const source = { take: (step: number) => feed.take(step), framesPerClip };
  const progress = context.progress(job.request.recipe, "steps");
  const done = await trainEncoderRun(opener, config, source, loop, { run, progress, signal });
  return { ...done, checkpoint: run.latest()!.folder, clips: good.length };
};

/**
 * What a run would do; nothing is decoded, so nothing is known of tokens.
 *
 * @param rate operations a second of a large product
 */
export const describeEncoder = (
  { rows, resolved, options, clips }: PreparedEncoder,
  rate: number,
): RunDescription => ({
  settings: resolved.origins,
  steps: options.steps,
  samples: rows.samples,
  clips: clips.length,
  looked: 0,
  tokensPerSample: { mean: 0, most: 0, learnt: 0 },
  paddingShare: 0,
  batchesPerStep: 0,
  expected: estimateEncoder(options, {
    clips: clips.length,
    keptBytes: resolved.common.keptMegabytes * 1e6,
    rate,
  }),
  sample: undefined,
});
