import { basename, join } from "node:path";
import type { Command } from "commander";
import { type KeywordOutcome, type KeywordUsage, keywordExtractors } from "../absent/keywords.ts";
import { ConfigError } from "../core/errors.ts";
import type { Recipe } from "../core/registry.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { keyFramesOf, type PeakOptions } from "../selection/peaks.ts";
import type { RelevanceDefinition } from "../selection/relevance.ts";
import { type ChosenRelevance, chooseRelevance } from "../selection/relevance-choice.ts";
import { scoreClip } from "../selection/scores.ts";
import type { VideoService } from "../video/service.ts";
import { indicesForFps } from "../video/timeline.ts";
import type { Timeline, VideoInfo } from "../video/types.ts";
import type { CommandContext } from "./command.ts";
import { openScorer } from "./open-scorer.ts";
import { type Clips, cacheRoot, videoOptions } from "./video-options.ts";

/** Options that `keyframes` and `absent` share, as commander parses them. */
export interface ClipOptions {
  readonly caption: string;
  readonly keywords?: string;
  readonly extractor: string;
  readonly relevance: string;
  readonly fps: string;
  readonly strict?: boolean;
  readonly smooth?: string;
  readonly prominence?: string;
  readonly prominenceShare?: string;
  readonly floor?: string;
  readonly top?: string;
  readonly topShare?: string;
  readonly cache: boolean;
}

/** A clip whose frames have scores. */
export interface AnalysedClip {
  readonly info: VideoInfo;
  readonly sha256: string;
  readonly sampled: Timeline;
  readonly keywords: readonly string[];
  readonly keywordSource?: Recipe & { readonly version: string };
  /** What a language model's keywords cost; of the first asking when the answer was kept. */
  readonly keywordUsage?: KeywordUsage;
  readonly relevance: Recipe & { readonly version: string };
  readonly unit: string;
  readonly scores: Float64Array;
  readonly rule: PeakOptions;
  /** Positions in `sampled`. */
  readonly keyFrames: readonly number[];
  /** True when the scores were known from before. */
  readonly cached: boolean;
}

/** Declares the shared options. */
export const clipOptions = (command: Command): void => {
  command
    .argument("<video>", "clip")
    .requiredOption("--caption <text>", "what happens in the clip")
    .option("--keywords <a,b>", "use these instead of extracting them from the caption")
    .option("--extractor <name[:key=value,...]>", "keyword extractor: offline, openai", "offline")
    .option(
      "--relevance <name[:arg]>",
      "relevance provider: motion, events, clip, blip2, checkpoint",
      "motion",
    )
    .option(
      "--fps <rate>",
      'frames scored per second, "all", or "auto": 8, but all frames of a clip of at most 16',
      "auto",
    )
    .option("--strict", "key frames by the paper's rule: every strict local maximum, no filter")
    .option("--smooth <frames>", "moving average before the search, an odd number of frames")
    .option("--prominence <height>", "least prominence of a key frame, in the score's unit")
    .option("--prominence-share <share>", "least prominence as a share of the curve's range")
    .option("--floor <score>", "least score of a key frame")
    .option("--top <k>", "keep the k best key frames")
    .option("--top-share <share>", "keep at most this share of all frames");
  videoOptions(command);
};

const numberOption = (
  flag: string,
  text: string | undefined,
  low: number,
  high: number,
  whole: boolean,
): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !(value >= low && value <= high) || (whole && !Number.isInteger(value)))
    throw new ConfigError(`bad ${flag}`, {
      expected: `${whole ? "a whole number" : "a number"} ${high === Number.POSITIVE_INFINITY ? `>= ${low}` : `from ${low} to ${high}`}`,
      got: text,
    });
  return value;
};

/** The rule that the options ask for: the provider's own by default, each option on top, or the paper's with --strict. */
export const peakOptionsOf = (options: ClipOptions, ownRule: PeakOptions): PeakOptions => {
  const infinite = Number.POSITIVE_INFINITY;
  const given = {
    smoothingFrames: numberOption("--smooth", options.smooth, 1, infinite, true),
    prominence: numberOption("--prominence", options.prominence, 0, infinite, false),
    prominenceShare: numberOption("--prominence-share", options.prominenceShare, 0, 1, false),
    floor: numberOption("--floor", options.floor, -infinite, infinite, false),
    topK: numberOption("--top", options.top, 1, infinite, true),
    topShare: numberOption("--top-share", options.topShare, 0, 1, false),
  };
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (options.strict === true && Object.keys(chosen).length > 0)
    throw new ConfigError("--strict is the paper's rule without options", {
      got: Object.keys(chosen).join(", "),
    });
  return options.strict === true ? {} : { ...ownRule, ...chosen };
};

/** The frames that --fps asks for. */
export const sampledTimeline = (full: Timeline, fps: string): Timeline => {
  if (fps === "all" || (fps === "auto" && full.length <= 16)) return full;
  const rate = fps === "auto" ? 8 : Number(fps);
  if (!(rate > 0) || !Number.isFinite(rate))
    throw new ConfigError("bad --fps", { expected: 'a number > 0, "all" or "auto"', got: fps });
  return indicesForFps(full, rate).map((position) => full[position]!);
};

const keywordsOf = async (
  options: ClipOptions,
  needed: boolean,
  context: CommandContext,
): Promise<Pick<AnalysedClip, "keywords" | "keywordSource" | "keywordUsage">> => {
  if (options.keywords !== undefined) {
    const keywords = options.keywords
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
    if (keywords.length === 0)
      throw new ConfigError("empty --keywords", { expected: "words separated by commas" });
    return { keywords };
  }
  const [name, ...rest] = options.extractor.split(":");
  const params = Object.fromEntries(
    rest
      .join(":")
      .split(",")
      .filter((part) => part !== "")
      .map((part) => {
        const [key, ...value] = part.split("=");
        const text = value.join("=");
        return [key!, text !== "" && Number.isFinite(Number(text)) ? Number(text) : text];
      }),
  );
  const made = await keywordExtractors.make(name!, params);
  const outcome: KeywordOutcome = await made.value.extract(options.caption, context.signal);
  const keywordSource = { ...made.recipe, version: made.value.version };
  if (outcome.status === "ok") {
    const { keywords, usage } = outcome;
    return { keywords, keywordSource, ...(usage && { keywordUsage: usage }) };
  }
  if (outcome.status !== "empty" || needed)
    throw new ConfigError(`no keywords from extractor "${name}"`, {
      got: `${outcome.status}: ${outcome.reason}`,
      hint: "give --keywords a,b",
    });
  return { keywords: [], keywordSource };
};

/** A size with the clip's shape and no side longer than `longest`. */
export const scoringSize = (info: VideoInfo, longest: number): { width: number; height: number } => {
  const scale = Math.min(1, longest / Math.max(info.width, info.height));
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: side(info.width), height: side(info.height) };
};

/** The sampled frames of a clip as the provider wants them, as a stream. */
export const sampledFrames = (
  video: VideoService,
  file: string,
  info: VideoInfo,
  sampled: Timeline,
  wanted: Pick<RelevanceDefinition, "inputPixels" | "resizer">,
  signal: AbortSignal,
): AsyncIterable<FrameBatch> => {
  const all = sampled.length === info.timeline.length;
  return video.frames(
    file,
    {
      select: all ? { kind: "all" } : { kind: "indices", indices: sampled.map(({ index }) => index) },
      size: scoringSize(info, wanted.inputPixels),
      resizer: wanted.resizer,
    },
    signal,
  );
};

/** Checks the options that need no video, so that a wrong name costs nothing. */
export const chosenOf = async (
  options: ClipOptions,
): Promise<{ chosen: ChosenRelevance; rule: PeakOptions }> => {
  if (options.caption.trim() === "")
    throw new ConfigError("empty caption", { expected: "--caption with what happens in the clip" });
  const chosen = await chooseRelevance(options.relevance);
  return { chosen, rule: peakOptionsOf(options, chosen.definition.keyFrameRule) };
};

/** Probes, extracts keywords, scores and finds the key frames. `look` sees the frames if they had to be decoded. */
export const analyseClip = async (
  { video, sha256 }: Clips,
  file: string,
  options: ClipOptions,
  context: CommandContext,
  look: (batch: FrameBatch) => void = () => {},
): Promise<AnalysedClip> => {
  const { chosen, rule } = await chosenOf(options);
  const info = await video.probe(file, context.signal);
  const sampled = sampledTimeline(info.timeline, options.fps);
  const words = await keywordsOf(options, chosen.definition.usesText, context);
  const digest = await sha256(file);
  const { inputPixels, resizer } = chosen.definition;
  const progress = context.progress(basename(file), "frames");
  let seen = 0;
  async function* counted(): AsyncGenerator<FrameBatch> {
    for await (const batch of sampledFrames(video, file, info, sampled, chosen.definition, context.signal)) {
      look(batch);
      yield batch;
      seen += batch.frames.length;
      progress.update(seen, sampled.length, "scored");
    }
  }
  const { scores, version, cached } = await scoreClip({
    relevance: chosen,
    timeline: sampled,
    frames: counted,
    keywords: words.keywords,
    caption: options.caption,
    context: { signal: context.signal, openScorer },
    content: `${digest}/${info.decoder.name}/${info.decoder.version}/${inputPixels}/${resizer}`,
    ...(options.cache ? { cacheFolder: join(cacheRoot(), "scores") } : {}),
  });
  return {
    info,
    sha256: digest,
    sampled,
    ...words,
    relevance: { ...chosen.made.recipe, version },
    unit: chosen.definition.unit,
    scores,
    rule,
    keyFrames: keyFramesOf(scores, rule),
    cached,
  };
};
