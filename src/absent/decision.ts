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
