import { ConfigError } from "../core/errors.ts";
import type { Progress } from "../core/progress.ts";
import type { Made } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { PeakOptions } from "../selection/peaks.ts";
import type { RelevanceContext } from "../selection/relevance.ts";
import { type ChosenRelevance, recordedRelevance } from "../selection/relevance-choice.ts";
import { type ClipScores, scoreClip } from "../selection/scores.ts";
import type { Timeline } from "../video/types.ts";
import type { AbsentBuilder } from "./builders.ts";
import { type CaptionWords, captionWords, checkWords } from "./caption-words.ts";
import { decideReplacements } from "./decision.ts";
import { FramePrints } from "./frame-prints.ts";
import type { Pair } from "./pair.ts";
import { fittedWithin, type PairSource } from "./pair-source.ts";
import { type TwinView, twinViewOf } from "./twin-view.ts";
import { visibleReplacements } from "./visible-replacements.ts";

/** How a pair is made. Equal choices on equal clips give equal pairs, whoever asks and whatever was remembered. */
export interface PairChoices {
  /** What happens in the clip; needed, without keywords, by relevance that compares frames with words. */
  readonly caption?: string;
  /** Instead of extracting them from the caption. */
  readonly keywords?: readonly string[];
  /** `NAME` or `NAME:key=value,...` of a keyword extractor; default "offline". */
  readonly extractor?: string;
  /** The caller closes the provider. */
  readonly relevance: ChosenRelevance;
  /** How key frames are read off the scores; the provider's own rule when left out. */
  readonly keyFrameRule?: PeakOptions;
  readonly builder: Made<AbsentBuilder>;
  readonly seed: number;
  /** The frames that are scored: a subset of the clip's timeline, ascending. */
  readonly sampled: Timeline;
  /** Give a pair without replacements instead of an error when there is nothing to take away. */
  readonly allowNothing?: boolean;
}

/** What is at hand while a pair is made; changes nothing of it. */
export interface PairSurroundings
  extends Pick<RelevanceContext, "openScorer" | "spans" | "signal" | "endpoints" | "onTrouble"> {
  /** Where scores are kept; nowhere when left out. */
  readonly scoresFolder?: string;
  readonly progress?: Progress;
}

/** A virtual pair, what its twin shows, and what was noticed while making it. */
export interface MadePair extends Omit<CaptionWords, "keywords" | "keywordSource"> {
  readonly pair: Pair;
  readonly view: TwinView;
  readonly source: PairSource;
  /** Positions of the key frames among the scored frames (`pair.timeline`), ascending. */
  readonly keyPositions: readonly number[];
  readonly relevance: ChosenRelevance["definition"];
  /** How the key frames were read off the scores. */
  readonly rule: PeakOptions;
  /** Key frames as a share of the scored frames. */
  readonly keyFrameShare: number;
  /** Replaced frames as a share of the clip's frames. */
  readonly replacedShare: number;
  /** The decisive spans, where they were given. */
  readonly knownSpans?: readonly TimeSpan[];
  /** Frames of the clip that are not replaced because they look like what would be shown instead. */
  readonly unchanged: number;
  /** True when the scores were known from before. */
  readonly cached: boolean;
}

/** One score a sampled frame; prints are taken of frames that happen to have the compared size. */
const scored = (
  source: PairSource,
  { relevance, sampled, caption = "" }: PairChoices,
  keywords: readonly string[],
  prints: FramePrints,
  around: PairSurroundings,
): Promise<ClipScores> => {
  const { inputPixels, resizer } = relevance.definition;
  const { openScorer, spans, signal, scoresFolder, endpoints, onTrouble, progress } = around;
  const size = fittedWithin(source, inputPixels);
  let seen = 0;
  async function* looked(): AsyncGenerator<FrameBatch> {
    const indices = sampled.map(({ index }) => index as number);
    for await (const batch of source.frames(indices, size, resizer, signal)) {
      prints.look(batch, resizer);
      yield batch;
      seen += batch.frames.length;
      progress?.update(seen, sampled.length, "scored");
    }
  }
  return scoreClip({
    relevance,
    timeline: sampled,
    frames: looked,
    keywords,
    caption,
    context: {
      ...(openScorer && { openScorer }),
      ...(spans && { spans }),
      ...(signal && { signal }),
      ...(endpoints && { endpoints }),
      ...(onTrouble && { onTrouble }),
    },
    content: `${source.content}/${inputPixels}/${resizer}`,
    ...(scoresFolder !== undefined && { cacheFolder: scoresFolder }),
    ...(onTrouble && { onTrouble }),
  });
};

/**
 * The one door from a clip, a caption and choices to a pair: keywords, scores, key frames, the builder's decision, and
 * away with replacements that nobody could see. Frames are compared at one fixed size (whole where the builder keeps to
 * known spans), so remembered scores change nothing.
 *
 * @throws {ConfigError} for an empty selection of frames, and when the provider needs keywords and there are none
 * @throws {VideoError} when the clip cannot be decoded, or no frame is left to take away (see `allowNothing`)
 */
export const makePair = async (
  source: PairSource,
  choices: PairChoices,
  around: PairSurroundings = {},
): Promise<MadePair> => {
  const { caption, relevance, builder, seed, sampled } = choices;
  if (sampled.length === 0)
    throw new ConfigError("no frames to score", { where: source.clip.file, expected: "one frame or more" });
  const rule = choices.keyFrameRule ?? relevance.definition.keyFrameRule;
  const extractor = choices.extractor ?? "offline";
  checkWords(relevance.made.recipe.name, relevance.definition, choices);
  const isRead = relevance.definition.usesText;
  const words = await captionWords(caption, choices.keywords, extractor, isRead, around.signal);
  const { keywords, keywordSource, ...noticed } = words;
  const known = relevance.made.value.knownSpans?.(around);
  const bounds = builder.value.keepsToSpans === true ? known : undefined;
  const prints = new FramePrints(source, bounds !== undefined);
  const { scores, version, cached } = await scored(source, choices, keywords, prints, around);
  const decision = decideReplacements(
    { sampled, peaks: rule, builder, seed, ...(known && { spans: known }) },
    scores,
  );
  const { replacements, unchanged } = await visibleReplacements({
    file: source.clip.file,
    full: source.timeline,
    sampled,
    decision,
    prints,
    allowNothing: choices.allowNothing ?? false,
    ...(bounds && { bounds }),
    ...(around.signal && { signal: around.signal }),
  });
  const pair: Pair = {
    schema: "videoperceiver/pair@1",
    complete: source.clip,
    timeline: sampled,
    keywords,
    relevance: { ...recordedRelevance(relevance), version },
    scores: Array.from(scores),
    keyFrames: decision.keyFrames.map((position) => sampled[position]!.index),
    replacements,
    builder: builder.recipe,
    seed,
    ...(caption === undefined ? {} : { caption }),
    ...(keywordSource === undefined ? {} : { keywordSource }),
    keyFrameRule: rule,
  };
  return {
    ...noticed,
    pair,
    view: twinViewOf(replacements, builder.value.pixels),
    source,
    keyPositions: decision.keyFrames,
    relevance: relevance.definition,
    rule,
    keyFrameShare: decision.keyFrames.length / sampled.length,
    replacedShare: replacements.length / source.timeline.length,
    ...(known && { knownSpans: known }),
    unchanged,
    cached,
  };
};
