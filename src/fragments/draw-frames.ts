import type { Random } from "../core/random.ts";
import { frameIndex, seconds } from "../core/units.ts";
import type { FrameSelector } from "../selection/selectors.ts";
import type { FrameDistances } from "./frame-distances.ts";
import { type FrameRun, sameWithin } from "./verdict.ts";

/** What frames are drawn from. */
export interface FramesToDraw {
  readonly distances: FrameDistances;
  /** Times of the frames of `distances`, ascending. */
  readonly timesSeconds: readonly number[];
  readonly selector: FrameSelector;
}

/** How often near-duplicates are drawn again. */
const attempts = 16;
/** Every further attempt draws from a shorter part, down to this share, so that a return to rest drops out. */
const [shorterBy, shortest] = [0.05, 0.4];

const partFor = (count: number, attempt: number, wanted: number, random: Random): FrameRun => {
  const share = Math.max(shortest, 1 - shorterBy * attempt);
  const length = Math.min(count, Math.max(wanted, Math.round(share * count)));
  const start = random.integer(count - length + 1);
  return { start, end: start + length };
};

/** True when all frames differ by at least `least` levels from each other. */
const areDifferent = (places: readonly number[], { between }: FrameDistances, least: number): boolean =>
  places.every((a, at) => places.slice(at + 1).every((b) => between(a, b) >= least));

/**
 * Frames by the selector, ascending places; drawn again while two of them look the same.
 *
 * @param different false: frames may look alike (counting)
 * @returns undefined when no draw gave `wanted` different frames
 */
export const drawFrames = (
  { distances, timesSeconds, selector }: FramesToDraw,
  wanted: number,
  different: boolean,
  random: Random,
): number[] | undefined => {
  const { count, between } = distances;
  if (count < wanted) return undefined;
  const least = sameWithin(distances);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { start, end } = partFor(count, attempt, wanted, random);
    const times = timesSeconds.slice(start, end);
    const origin = times[0]!;
    const chosen = selector.select({
      timeline: times.map((time, at) => ({ index: frameIndex(at), timeSeconds: seconds(time - origin) })),
      durationSeconds: times.at(-1)! - origin + (times.at(-1)! - origin) / Math.max(1, times.length - 1),
      budget: wanted,
      motion: times.map((_, at) => (at === 0 ? 0 : between(start + at - 1, start + at))),
      random: random.fork("frames", attempt),
    });
    const places = chosen.map((at) => start + at);
    if (places.length === wanted && (!different || areDifferent(places, distances, least))) return places;
  }
  return undefined;
};
