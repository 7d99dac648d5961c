import type { Random } from "../core/random.ts";
import { indicesForCount } from "../video/timeline.ts";
import type { Timeline } from "../video/types.ts";

/** How a clip is looked at. */
export interface WindowOptions {
  /** Length of the parts of a longer clip that fragments are drawn from. */
  readonly windowSeconds: number;
  /** Frames of a part that are looked at, evenly in time. */
  readonly framesPerWindow: number;
  /** Fragments that are wanted. */
  readonly perClip: number;
}

/** Parts that are looked at besides those that are wanted: nothing may happen in some. */
const spareWindows = 3;
/** From so many frames on the first and the last one are left out: a key packet or an end's repeated frame tells its place. */
const framesWithEnds = 12;

/**
 * Frames of a clip to look at, part by part, by position in the timeline. A clip up to a quarter longer than one part
 * is one; of others, parts at random places of equal spans.
 */
export const planWindows = (
  timeline: Timeline,
  durationSeconds: number,
  { windowSeconds, framesPerWindow, perClip }: WindowOptions,
  random: Random,
): number[][] => {
  const last = timeline.length - 1;
  const isInside = (at: number): boolean => timeline.length < framesWithEnds || (at > 0 && at < last);
  const within = (startSeconds: number, endSeconds: number): number[] =>
    indicesForCount(timeline, framesPerWindow, { startSeconds, endSeconds }, durationSeconds).filter(
      isInside,
    );
  const end = Math.max(durationSeconds, timeline.at(-1)?.timeSeconds ?? 0);
  if (end <= 1.25 * windowSeconds) return [within(0, Number.POSITIVE_INFINITY)];
  const count = Math.min(perClip + spareWindows, Math.ceil(end / windowSeconds));
  const room = end - windowSeconds;
  return Array.from({ length: count }, (_, at) => {
    const start = (room * (at + random.next())) / count;
    return within(start, start + windowSeconds);
  });
};
