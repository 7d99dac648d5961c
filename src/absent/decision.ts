import { VideoError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import type { Made } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import { keyFramesOf, type PeakOptions, smoothed } from "../selection/peaks.ts";
import type { Timeline } from "../video/types.ts";
import type { AbsentBuilder, PositionReplacement } from "./builders.ts";

/** What a decision is made from. */
export interface DecisionInput {
  /** The scored frames. */
  readonly sampled: Timeline;
  readonly peaks: PeakOptions;
  readonly builder: Made<AbsentBuilder>;
  readonly seed: number;
  /** Known decisive spans. */
  readonly spans?: readonly TimeSpan[];
}

/** What {@link decideReplacements} decided; positions count sampled frames. */
export interface Decision {
  readonly keyFrames: readonly number[];
  readonly replacements: readonly PositionReplacement[];
}

/** Key frames and the builder's replacements from ready scores. Pure. */
export const decideReplacements = (
  { sampled, peaks, builder, seed, spans }: DecisionInput,
  scores: ArrayLike<number>,
): Decision => {
  const keyFrames = keyFramesOf(scores, peaks);
  const replacements = builder.value.replace({
    timeline: sampled,
    curve: smoothed(scores, peaks.smoothingFrames ?? 1),
    keyFrames,
    ...(spans && { spans }),
    random: seededRandom(seed, "absent", builder.recipe.name),
  });
  return { keyFrames, replacements };
};

/** Positions of the sampled frames that a decision swaps, ascending, each once. */
export const swappedPositions = ({ replacements }: Decision): number[] =>
  [...new Set(replacements.flatMap(({ position, from }) => [position, from]))].sort((a, b) => a - b);

/**
 * The replacements that change a picture; `looksSame` says whether two sampled frames (by position) have equal pixels.
 *
 * @param file the clip, for the message
 * @param allowNothing give none instead of an error when nothing is left to take away
 * @throws {VideoError} when nothing is left to take away
 */
export const visibleReplacements = (
  { keyFrames, replacements }: Decision,
  looksSame: (position: number, other: number) => boolean,
  { file, sampled, allowNothing }: { file: string; sampled: Timeline; allowNothing: boolean },
): PositionReplacement[] => {
  const kept = replacements.filter(({ position, from }) => position === from || !looksSame(position, from));
  if (kept.length === 0 && !allowNothing)
    throw new VideoError("nothing to take away", {
      where: file,
      expected: "key frames that differ from the frame shown instead",
      got: `${keyFrames.length} key frames among ${sampled.length} scored, none of which changes the picture`,
      hint: "try another --fps, --relevance or --builder",
    });
  return kept;
};
