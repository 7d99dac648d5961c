import type { Timeline } from "../video/types.ts";
import type { MadePair } from "./make-pair.ts";
import { neededFrames } from "./twin-frames.ts";

/** Clips of at most so many frames are embedded whole. */
export const wholeFrames = 1800;
/** Pictures of key frames on one page. */
export const mostPictures = 60;

const keysWithNeighbours = 200;
const spreadFrames = 1000;

/** What of a pair decides which frames a page holds. */
export interface PagePair extends Pick<MadePair, "keyPositions" | "view"> {
  readonly pair: { readonly timeline: Timeline; readonly scores: readonly number[] };
  readonly source: { readonly timeline: Timeline };
}

/** Positions of the `count` key frames with the highest scores, in order of time. */
export const strongestKeys = (
  { keyPositions, pair: { scores } }: Pick<PagePair, "keyPositions" | "pair">,
  count: number,
): number[] =>
  [...keyPositions]
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);

/**
 * Indices of the frames that a page's players hold: all of a short clip; of a long one an even spread, the first and
 * the last frame, and around the strongest key frames the frame before, the frame itself and the end of what is
 * replaced; always with the frames that the twin shows instead.
 */
export const pageFrames = (made: PagePair): number[] => {
  const { timeline } = made.source;
  const count = timeline.length;
  if (count <= wholeFrames) return timeline.map((_, at) => at);
  const chosen = new Set<number>([0, count - 1]);
  for (let at = 0; at < spreadFrames; at++) chosen.add(Math.floor((at * count) / spreadFrames));
  for (const position of strongestKeys(made, keysWithNeighbours))
    for (const step of [-1, 0, 1]) {
      const frame = made.pair.timeline[position + step];
      if (frame !== undefined) chosen.add(frame.index);
    }
  return neededFrames([...chosen], made.view);
};
