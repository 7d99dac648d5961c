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
  /** Places that may be drawn, ascending; all when left out. */
  readonly left?: readonly number[];
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
 * The places of a part that show nothing that `told` shows: neither these frames nor such that look the same.
 *
 * @param told places of the part
 */
export const placesApart = (distances: FrameDistances, told: readonly number[]): number[] => {
  const least = sameWithin(distances);
  const { count, between } = distances;
  return Array.from({ length: count }, (_, at) => at).filter((at) =>
    told.every((other) => other !== at && between(other, at) >= least),
  );
};

/**
 * Frames by the selector, ascending places; drawn again while two of them look the same.
 *
 * @param different false: frames may look alike (counting)
 * @returns undefined when no draw gave `wanted` different frames
 */
export const drawFrames = (
  { distances, timesSeconds, selector, left }: FramesToDraw,
  wanted: number,
  different: boolean,
  random: Random,
): number[] | undefined => {
  const { between } = distances;
  const all = left ?? timesSeconds.map((_, at) => at);
  if (all.length < wanted) return undefined;
  const least = sameWithin(distances);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { start, end } = partFor(all.length, attempt, wanted, random);
    const part = all.slice(start, end);
    const [first, last] = [timesSeconds[part[0]!]!, timesSeconds[part.at(-1)!]!];
    const chosen = selector.select({
      timeline: part.map((place, at) => ({
        index: frameIndex(at),
        timeSeconds: seconds(timesSeconds[place]! - first),
      })),
      durationSeconds: last - first + (last - first) / Math.max(1, part.length - 1),
      budget: wanted,
      motion: part.map((place, at) => (at === 0 ? 0 : between(part[at - 1]!, place))),
      random: random.fork("frames", attempt),
    });
    const places = chosen.map((at) => part[at]!);
    if (places.length === wanted && (!different || areDifferent(places, distances, least))) return places;
  }
  return undefined;
};
