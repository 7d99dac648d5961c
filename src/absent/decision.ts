import { createHash } from "node:crypto";
import { VideoError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import type { Made, Recipe } from "../core/registry.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { keyFramesOf, type PeakOptions, smoothed } from "../selection/peaks.ts";
import type { RelevanceContext, RelevanceProvider } from "../selection/relevance.ts";
import type { Timeline } from "../video/types.ts";
import type { AbsentBuilder, PositionReplacement } from "./builders.ts";
import type { FileReference, Pair } from "./pair.ts";
import { spreadReplacements } from "./spread.ts";

/** Everything a pair is made from, except the scores. */
export interface PairRecord {
  readonly clip: FileReference;
  /** All frames of the clip. */
  readonly full: Timeline;
  /** The scored frames, a subset of `full`. */
  readonly sampled: Timeline;
  readonly caption: string;
  readonly keywords: readonly string[];
  readonly keywordSource?: Recipe & { readonly version: string };
  readonly peaks: PeakOptions;
  readonly builder: Made<AbsentBuilder>;
  readonly seed: number;
  /** Give a pair without replacements instead of an error when there is nothing to take away. */
  readonly allowNothing?: boolean;
}

/** A {@link PairRecord} with the frames to score and what scores them. */
export interface PairRequest extends PairRecord {
  /** The sampled frames, at any size, in order; read once. */
  readonly frames: AsyncIterable<FrameBatch>;
  readonly relevance: Made<RelevanceProvider>;
  readonly context?: RelevanceContext;
}

/** A pair and what was noticed while making it. */
export interface BuiltPair {
  readonly pair: Pair;
  /** Key frames as a share of the sampled frames. */
  readonly keyFrameShare: number;
  /** Declared frames as a share of the clip's frames. */
  readonly replacedShare: number;
  /** Replacements that were left out because source and target look the same. */
  readonly unchanged: number;
}

/**
 * A virtual pair: scores the frames, reads key frames off the curve, lets the builder decide, and leaves out
 * replacements that change nothing, so every declared frame differs.
 *
 * @throws {VideoError} when no frame is left to take away (a clip without any change)
 */
export const buildPair = async (request: PairRequest): Promise<BuiltPair> => {
  const prints: string[] = [];
  async function* observed(): AsyncGenerator<FrameBatch> {
    for await (const batch of request.frames) {
      for (let position = 0; position < batch.frames.length; position++)
        prints.push(framePrint(batch, position));
      yield batch;
    }
  }
  const { relevance } = request;
  const scores = await relevance.value.score({
    frames: observed(),
    timeline: request.sampled,
    keywords: request.keywords,
    caption: request.caption,
    context: request.context ?? {},
  });
  const decided = decideReplacements(request, scores);
  const record = { ...relevance.recipe, version: relevance.value.version() };
  return pairOf(request, record, scores, decided, (a, b) => prints[a] === prints[b]);
};

/** A short name of a frame's pixels: equal for equal frames. */
export const framePrint = (batch: FrameBatch, position: number): string =>
  createHash("sha1").update(pixelsOf(batch, position)).digest("base64");

/** What {@link decideReplacements} decided; positions count sampled frames. */
export interface Decision {
  readonly keyFrames: readonly number[];
  readonly replacements: readonly PositionReplacement[];
}

/** Key frames and the builder's replacements from ready scores. Pure. */
export const decideReplacements = (
  request: Pick<PairRecord, "sampled" | "peaks" | "builder" | "seed">,
  scores: ArrayLike<number>,
): Decision => {
  const keyFrames = keyFramesOf(scores, request.peaks);
  const replacements = request.builder.value.replace({
    timeline: request.sampled,
    curve: smoothed(scores, request.peaks.smoothingFrames ?? 1),
    keyFrames,
    random: seededRandom(request.seed, "absent", request.builder.recipe.name),
  });
  return { keyFrames, replacements };
};

/**
 * The pair of a decision; `looksSame` says whether two sampled frames (by position) have equal pixels.
 *
 * @throws {VideoError} when nothing is left to take away
 */
export const pairOf = (
  request: PairRecord,
  relevance: Pair["relevance"],
  scores: ArrayLike<number>,
  { keyFrames, replacements: decided }: Decision,
  looksSame: (position: number, other: number) => boolean,
): BuiltPair => {
  const { sampled, full } = request;
  const kept = decided.filter(({ position, from }) => position === from || !looksSame(position, from));
  if (kept.length === 0 && request.allowNothing !== true)
    throw new VideoError("nothing to take away", {
      where: request.clip.file,
      expected: "key frames that differ from the frame shown instead",
      got: `${keyFrames.length} key frames among ${sampled.length} scored, none of which changes the picture`,
      hint: "try another --fps, --relevance or --builder",
    });
  const replacements = spreadReplacements(full, sampled, kept);
  const pair: Pair = {
    schema: "videoperceiver/pair@1",
    complete: request.clip,
    timeline: sampled,
    keywords: request.keywords,
    relevance,
    scores: Array.from(scores),
    keyFrames: keyFrames.map((position) => sampled[position]!.index),
    replacements,
    builder: request.builder.recipe,
    seed: request.seed,
    caption: request.caption,
    ...(request.keywordSource === undefined ? {} : { keywordSource: request.keywordSource }),
    keyFrameRule: request.peaks,
  };
  return {
    pair,
    keyFrameShare: keyFrames.length / sampled.length,
    replacedShare: replacements.length / full.length,
    unchanged: decided.length - kept.length,
  };
};
