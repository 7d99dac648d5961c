import { basename } from "node:path";
import { type AbsentBuilder, absentBuilders } from "../absent/builders.ts";
import { checkWords } from "../absent/caption-words.ts";
import { keywordExtractors } from "../absent/keywords.ts";
import { type MadePair, makePair } from "../absent/make-pair.ts";
import { fileSource } from "../absent/pair-source.ts";
import {
  type FrameChooser,
  frameChooser,
  type ScoredRate,
  type SelectedFrames,
} from "../absent/scored-frames.ts";
import { ConfigError } from "../core/errors.ts";
import type { Made } from "../core/registry.ts";
import type { PeakOptions } from "../selection/peaks.ts";
import { type ChosenRelevance, chooseRelevance } from "../selection/relevance-choice.ts";
import type { Clips } from "./clips.ts";
import type { JobContext } from "./job-context.ts";
import { openScorer } from "./open-scorer.ts";

/** A pair as a person asks for it. */
export interface PairRequest {
  /** What happens in the clip; needed, without keywords, by relevance that compares frames with words. */
  readonly caption?: string;
  /** Instead of extracting them from the caption. */
  readonly keywords?: readonly string[];
  /** `NAME` or `NAME:key=value,...` of a keyword extractor; default "offline". */
  readonly extractor?: string;
  /** `NAME`, `NAME:ARG` or `NAME:key=value,...` of a relevance provider. */
  readonly relevance: string;
  /** The rule for key frames, from the provider's own; that one when left out. */
  readonly rule?: (own: PeakOptions) => PeakOptions;
  /** `NAME` or `NAME:key=value,...` of a builder. */
  readonly builder: string;
  readonly seed?: number;
  /** Which frames are scored; default "auto". */
  readonly scored?: ScoredRate | SelectedFrames;
}

/** What a request chooses by name, for one clip or for many; close it. */
export interface OpenChoices extends AsyncDisposable {
  readonly relevance: ChosenRelevance;
  readonly builder: Made<AbsentBuilder>;
  readonly rule: PeakOptions;
  readonly chooser: FrameChooser;
}

/** A request whose names were found; close it. */
export interface PreparedPair extends OpenChoices {
  readonly request: PairRequest;
}

/**
 * Finds what a request names and checks all of it that needs neither words nor a video.
 *
 * @throws {UnknownNameError} for an unknown provider, builder, extractor or selector
 * @throws {ConfigError} for bad parameters, or a rule that contradicts itself
 */
export const openChoices = async (
  request: Omit<PairRequest, "caption" | "keywords">,
): Promise<OpenChoices> => {
  const relevance = await chooseRelevance(request.relevance);
  const own = relevance.definition.keyFrameRule;
  const rule = request.rule?.(own) ?? own;
  const builder = await absentBuilders.choose(request.builder);
  const chooser = await frameChooser(request.scored ?? "auto");
  if (request.extractor !== undefined) await keywordExtractors.choose(request.extractor);
  return {
    relevance,
    builder,
    rule,
    chooser,
    [Symbol.asyncDispose]: async () => relevance.made.value.close?.(),
  };
};

/**
 * Checks everything of a request that needs no video, so that a wrong name costs nothing.
 *
 * @param opened what the request chooses, where somebody opened it for many clips; they close it
 * @throws {UnknownNameError} for an unknown provider, builder, extractor or selector
 * @throws {ConfigError} for an empty or missing caption, bad parameters, or a rule that contradicts itself
 */
export const preparePair = async (request: PairRequest, opened?: OpenChoices): Promise<PreparedPair> => {
  if (request.caption?.trim() === "")
    throw new ConfigError("empty caption", { expected: "--caption with what happens in the clip" });
  const choices = opened ?? (await openChoices(request));
  const { relevance } = choices;
  checkWords(relevance.made.recipe.name, relevance.definition, request);
  return {
    ...choices,
    request,
    [Symbol.asyncDispose]: async () => (opened === undefined ? choices[Symbol.asyncDispose]() : undefined),
  };
};

/** Makes the pair of a file. @param chooser what chooses the scored frames instead of the request */
export const pairOfFile = async (
  clips: Clips,
  file: string,
  { request, relevance, builder, rule, chooser: own }: PreparedPair,
  context: JobContext,
  chooser: FrameChooser = own,
): Promise<MadePair> => {
  const { caption, keywords, extractor, seed = 0 } = request;
  const { signal } = context;
  const source = await fileSource(clips.video, file, (path) => clips.sha256(path), signal);
  const made = await makePair(
    source,
    {
      relevance,
      builder,
      keyFrameRule: rule,
      seed,
      sampled: chooser(source.timeline, source.durationSeconds),
      allowNothing: true,
      ...(caption !== undefined && { caption }),
      ...(keywords && { keywords }),
      ...(extractor !== undefined && { extractor }),
    },
    {
      openScorer,
      signal,
      endpoints: {
        answersFolders: clips.answersFolder === undefined ? [] : [clips.answersFolder],
        processes: 1,
      },
      progress: context.progress(basename(file), "frames"),
      onTrouble: (line) => context.warn(line),
      ...(clips.scoresFolder !== undefined && { scoresFolder: clips.scoresFolder }),
    },
  );
  for (const warning of made.keywordWarnings ?? []) context.warn(warning);
  if (made.noKeywords !== undefined) context.warn(`no keywords: ${made.noKeywords}`);
  return made;
};
