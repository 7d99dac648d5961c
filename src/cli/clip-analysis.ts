import { basename, join } from "node:path";
import type { PairRecord } from "../absent/build-pair.ts";
import type { AbsentBuilder } from "../absent/builders.ts";
import { type KeywordOutcome, type KeywordUsage, keywordExtractors } from "../absent/keywords.ts";
import { ConfigError } from "../core/errors.ts";
import type { Made, Recipe } from "../core/registry.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { keyFramesOf, type PeakOptions } from "../selection/peaks.ts";
import type { RelevanceDefinition } from "../selection/relevance.ts";
import { scoreClip } from "../selection/scores.ts";
import type { VideoService } from "../video/service.ts";
import type { Timeline, VideoInfo } from "../video/types.ts";
import { type ClipOptions, chosenOf, sampledTimeline } from "./clip-options.ts";
import type { CommandContext } from "./command.ts";
import { openScorer } from "./open-scorer.ts";
import { type Clips, cacheRoot } from "./video-options.ts";

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

/** Keywords as given, or out of the caption. @param needed the relevance provider compares frames with them */
const keywordsOf = async (
  options: ClipOptions,
  needed: boolean,
  context: CommandContext,
): Promise<Pick<AnalysedClip, "keywords" | "keywordSource" | "keywordUsage">> => {
  if (options.keywords !== undefined) return { keywords: options.keywords };
  const made = await keywordExtractors.choose(options.extractor);
  const outcome: KeywordOutcome = await made.value.extract(options.caption, context.signal);
  const keywordSource = { ...made.recipe, version: made.value.version };
  if (outcome.status === "ok") {
    const { keywords, usage, dropped, unchecked } = outcome;
    for (const { keyword, missing } of dropped ?? [])
      process.stderr.write(
        `warning: keyword "${keyword}" dropped: the caption does not say ${missing.join(", ") || "it"}\n`,
      );
    if (unchecked !== undefined)
      process.stderr.write(`warning: keywords not compared with the caption: ${unchecked}\n`);
    return { keywords, keywordSource, ...(usage && { keywordUsage: usage }) };
  }
  const bearable = /^(?:empty|ungrounded|unsupported-language)$/.test(outcome.status);
  if (!bearable || needed)
    throw new ConfigError(`no keywords from extractor "${made.recipe.name}"`, {
      got: `${outcome.status}: ${outcome.reason}`,
      hint: "give --keywords a,b",
    });
  process.stderr.write(`warning: no keywords: ${outcome.reason}\n`);
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

/** How a pair is made from an analysed clip. */
export interface PairChoices {
  /** The clip as the record names it. */
  readonly file: string;
  readonly caption: string;
  readonly builder: Made<AbsentBuilder>;
  readonly seed: number;
}

/** What the pair of an analysed clip is made from; a clip without changes gives a pair without replacements. */
export const pairRecordOf = (
  clip: AnalysedClip,
  { file, caption, builder, seed }: PairChoices,
): PairRecord => ({
  clip: { file, sha256: clip.sha256 },
  full: clip.info.timeline,
  sampled: clip.sampled,
  caption,
  keywords: clip.keywords,
  ...(clip.keywordSource === undefined ? {} : { keywordSource: clip.keywordSource }),
  peaks: clip.rule,
  builder,
  seed,
  allowNothing: true,
});
