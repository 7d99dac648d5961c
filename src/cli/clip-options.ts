import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { PeakOptions } from "../selection/peaks.ts";
import { type ChosenRelevance, chooseRelevance } from "../selection/relevance-choice.ts";
import { indicesForFps } from "../video/timeline.ts";
import type { Timeline } from "../video/types.ts";
import { integerValue, listValue, numberValue } from "./option-values.ts";
import { videoOptions } from "./video-options.ts";

/** Options that `keyframes` and `absent` share, as commander parses them. */
export interface ClipOptions {
  readonly caption: string;
  readonly keywords?: readonly string[];
  readonly extractor: string;
  readonly relevance: string;
  readonly fps: string;
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
  readonly cache: boolean;
}

/** Declares the shared options. */
export const clipOptions = (command: Command): void => {
  const share = numberValue({ min: 0, max: 1 });
  command
    .argument("<video>", "clip")
    .requiredOption("--caption <text>", "what happens in the clip")
    .option("--keywords <a,b>", "use these instead of extracting them from the caption", listValue)
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
    .option("--top-share <share>", "keep at most this share of all frames", share);
  videoOptions(command);
};

/** The rule that the options ask for: the provider's own by default, each option on top, or the paper's with --strict. */
const peakOptionsOf = (options: ClipOptions, ownRule: PeakOptions): PeakOptions => {
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

/** The frames that --fps asks for. @throws {ConfigError} when it is no rate */
export const sampledTimeline = (full: Timeline, fps: string): Timeline => {
  if (fps === "all" || (fps === "auto" && full.length <= 16)) return full;
  const rate = fps === "auto" ? 8 : Number(fps);
  if (!(rate > 0) || !Number.isFinite(rate))
    throw new ConfigError("bad --fps", { expected: 'a number > 0, "all" or "auto"', got: fps });
  return indicesForFps(full, rate).map((position) => full[position]!);
};

/**
 * Checks the options that need no video, so that a wrong name costs nothing.
 *
 * @throws {UnknownNameError} for an unknown provider
 * @throws {ConfigError} for an empty caption, bad parameters, or options that exclude each other
 */
export const chosenOf = async (
  options: ClipOptions,
): Promise<{ chosen: ChosenRelevance; rule: PeakOptions }> => {
  if (options.caption.trim() === "")
    throw new ConfigError("empty caption", { expected: "--caption with what happens in the clip" });
  const chosen = await chooseRelevance(options.relevance);
  return { chosen, rule: peakOptionsOf(options, chosen.definition.keyFrameRule) };
};
