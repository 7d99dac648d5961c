import type { Command } from "commander";
import { absentBuilders, usualBuilder } from "../absent/builders.ts";
import { keywordExtractors } from "../absent/keywords.ts";
import type { ScoredRate, SelectedFrames } from "../absent/scored-frames.ts";
import { ConfigError } from "../core/errors.ts";
import { type ClipsOptions, openClips } from "../jobs/clips.ts";
import type { FailedClip } from "../jobs/each-clip.ts";
import { askedFrames, relevanceCostInWords, tellRelevanceCost } from "../jobs/endpoint-cost.ts";
import type { JobContext } from "../jobs/job-context.ts";
import { openChoices, type PairRequest } from "../jobs/make-pair.ts";
import { type NamedClip, namedClips } from "../jobs/named-clips.ts";
import type { PeakOptions } from "../selection/peaks.ts";
import { relevanceProviders } from "../selection/relevance.ts";
import { frameSelectors } from "../selection/selectors.ts";
import type { CommandResult } from "./command.ts";
import { integerValue, listValue, numberValue, rateValue } from "./option-values.ts";
import { videoOptions } from "./video-options.ts";

/** Options that `keyframes` and `absent` share, as commander parses them. */
export interface ClipOptions {
  readonly caption?: string;
  /** Table of clips and captions. */
  readonly captions?: string;
  readonly keywords?: readonly string[];
  readonly extractor: string;
  readonly relevance: string;
  readonly builder: string;
  readonly fps?: ScoredRate;
  /** `NAME` or `NAME:key=value,...` of a frame selector. */
  readonly select?: string;
  /** Frames that the selector chooses at most. */
  readonly budget: number;
  readonly strict?: boolean;
  /** Frames of the moving average. */
  readonly smooth?: number;
  /** In the score's unit. */
  readonly prominence?: number;
  /** Of the curve's range, in [0, 1]. */
  readonly prominenceShare?: number;
  /** In the score's unit. */
  readonly floor?: number;
  /** Key frames. */
  readonly top?: number;
  /** Of all frames, in [0, 1]. */
  readonly topShare?: number;
  readonly dryRun?: boolean;
}

/** Declares the options of a way to take frames away. */
export const builderOption = (command: Command, what: string): Command =>
  command.option(
    "--builder <name[:key=value,...]>",
    `${what}: ${absentBuilders.names().join(", ")}; previous-frame is the paper's`,
    usualBuilder,
  );

/** Declares the shared options. */
export const clipOptions = (command: Command): void => {
  const share = numberValue({ min: 0, max: 1 });
  command
    .argument("[video...]", "clips, or folders of clips")
    .option(
      "--captions <file>",
      "a table (CSV, TSV, JSON, JSONL) with a clip and a caption a row; names of its columns are found",
    )
    .option(
      "--caption <text>",
      "what happens in the clip; needed by relevance that compares frames with words",
    )
    .option("--keywords <a,b>", "use these instead of extracting them from the caption", listValue)
    .option(
      "--extractor <name[:key=value,...]>",
      `keyword extractor: ${keywordExtractors.names().join(", ")}`,
      "offline",
    )
    .option(
      "--relevance <name[:arg]>",
      `relevance provider: ${relevanceProviders.names().join(", ")}`,
      "motion",
    )
    .option(
      "--fps <rate>",
      'frames scored per second, "all", or "auto" (default): 8, but all frames of a clip of at most 16',
      rateValue,
    )
    .option(
      "--select <name[:key=value,...]>",
      `who chooses the scored frames, instead of --fps: ${frameSelectors.names().join(", ")}`,
    )
    .option("--budget <frames>", "most frames that --select chooses", integerValue({ min: 1, max: 1e6 }), 64)
    .option("--strict", "key frames by the paper's rule: every strict local maximum, no filter")
    .option(
      "--smooth <frames>",
      "moving average before the search, an odd number of frames",
      integerValue({ min: 1 }),
    )
    .option(
      "--prominence <height>",
      "least prominence of a key frame, in the score's unit",
      numberValue({ min: 0 }),
    )
    .option("--prominence-share <share>", "least prominence as a share of the curve's range", share)
    .option("--floor <score>", "least score of a key frame", numberValue())
    .option("--top <k>", "keep the k best key frames", integerValue({ min: 1 }))
    .option("--top-share <share>", "keep at most this share of all frames", share)
    .option("--dry-run", "only say what asking a relevance endpoint would take, and stop");
  videoOptions(command);
};

/** The rule that the options ask for: the provider's own, each option on top, or the paper's with --strict. */
const ruleOf =
  (options: ClipOptions) =>
  (ownRule: PeakOptions): PeakOptions => {
    const given = [
      ["--smooth", { smoothingFrames: options.smooth }],
      ["--prominence", { prominence: options.prominence }],
      ["--prominence-share", { prominenceShare: options.prominenceShare }],
      ["--floor", { floor: options.floor }],
      ["--top", { topK: options.top }],
      ["--top-share", { topShare: options.topShare }],
    ] as const;
    const chosen = given.filter(([, rule]) => Object.values(rule)[0] !== undefined);
    if (options.strict !== true) return Object.assign({ ...ownRule }, ...chosen.map(([, rule]) => rule));
    if (chosen.length > 0)
      throw new ConfigError("--strict is the paper's rule without options", {
        got: chosen.map(([flag]) => flag).join(", "),
      });
    return {};
  };

/** Which frames are scored. @throws {ConfigError} for a rate and a selector at once */
const scoredOf = ({ fps, select, budget }: ClipOptions): ScoredRate | SelectedFrames => {
  if (select === undefined) return fps ?? "auto";
  if (fps === undefined) return { selector: select, budget };
  throw new ConfigError("say one way to choose frames", { expected: "--fps or --select", got: "both" });
};

/** The pair that the options ask for. */
export const chosenPair = (options: ClipOptions, seed = 0): PairRequest => {
  const { caption, keywords, extractor, relevance, builder } = options;
  return {
    extractor,
    relevance,
    builder,
    seed,
    scored: scoredOf(options),
    rule: ruleOf(options),
    ...(caption !== undefined && { caption }),
    ...(keywords && { keywords }),
  };
};

/** A share as people read it. */
export const inPercent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The request for one clip: what its row says goes before what the command line says of all. */
export const requestFor = (request: PairRequest, { caption, keywords }: NamedClip): PairRequest => ({
  ...request,
  ...(caption !== undefined && { caption }),
  ...(keywords && { keywords }),
});

/** Clips of a command line, and whether it named one clip or many. */
export const chosenNamedClips = async (
  places: readonly string[],
  { captions, caption }: Pick<ClipOptions, "captions" | "caption">,
  warn: (line: string) => void,
): Promise<{ readonly clips: readonly NamedClip[]; readonly one: string | undefined }> => {
  if (captions !== undefined && caption !== undefined)
    throw new ConfigError("say once what happens", { expected: "--caption or --captions", got: "both" });
  const clips = await namedClips(places, captions, warn);
  const [only] = places;
  const one = captions === undefined && places.length === 1 && clips[0]?.file === only ? only : undefined;
  return { clips, one };
};

/** Clips that failed, as lines, and the exit status of a command over many: 1 when some did. */
export const failureLines = (failed: readonly FailedClip[]): string[] =>
  failed.length === 0
    ? []
    : [`${failed.length} failed:`, ...failed.map(({ file, error }) => `  ${file}: ${error}`)];

/**
 * Says before the first clip what asking a relevance endpoint takes.
 *
 * @param isDry that is all that is wanted
 * @returns the command's whole answer for a dry run; undefined: go on
 */
export const relevanceOutlook = async (
  request: PairRequest,
  named: readonly NamedClip[],
  reading: ClipsOptions,
  isDry: boolean,
  context: JobContext,
): Promise<CommandResult | undefined> => {
  await using choices = await openChoices(request);
  await using clips = openClips(reading, context.warn);
  const scored = named.map(({ file }) => ({ file, times: 1 }));
  const frames = await askedFrames(choices, scored, clips, context);
  if (!isDry) tellRelevanceCost(choices.relevance, frames, context);
  if (!isDry) return undefined;
  const { recipe, value } = choices.relevance.made;
  const estimate = value.estimate?.(frames);
  return {
    json: { clips: named.length, relevance: recipe.name, estimate: estimate ?? null },
    text:
      estimate === undefined
        ? `relevance ${recipe.name} asks no endpoint`
        : `${named.length} clips; ${relevanceCostInWords(recipe.name, estimate)}`,
  };
};
