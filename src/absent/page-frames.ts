import type { Replacement } from "../absent/pair.ts";
import type { AnalysedClip } from "./clip-analysis.ts";

/** Clips of at most so many frames are embedded whole. */
export const wholeFrames = 1800;
/** Pictures of key frames on one page. */
export const mostPictures = 60;

const keysWithNeighbours = 200;
const spreadFrames = 1000;

/** Positions of the `count` key frames with the highest scores, in order of time. */
export const strongestKeys = (
  { keyFrames, scores }: Pick<AnalysedClip, "keyFrames" | "scores">,
  count: number,
): number[] =>
  [...keyFrames]
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);

/**
 * Indices of the frames that a page's players hold: all of a short clip; of a long one an even spread, the first and
 * the last frame, and around the strongest key frames the frame before, the frame itself and the end of what is
 * replaced; always with the frames that the twin shows instead.
 */
export const pageFrames = (
  clip: Pick<AnalysedClip, "keyFrames" | "scores" | "sampled"> & {
    readonly info: Pick<AnalysedClip["info"], "timeline">;
  },
  replacements: readonly Replacement[],
): number[] => {
  const { timeline } = clip.info;
  const count = timeline.length;
  if (count <= wholeFrames) return timeline.map((_, at) => at);
  const chosen = new Set<number>([0, count - 1]);
  for (let at = 0; at < spreadFrames; at++) chosen.add(Math.floor((at * count) / spreadFrames));
  for (const position of strongestKeys(clip, keysWithNeighbours))
    for (const step of [-1, 0, 1]) {
      const frame = clip.sampled[position + step];
      if (frame !== undefined) chosen.add(frame.index);
    }
  const sources = new Map(replacements.map(({ index, from }) => [index, from]));
  for (const index of [...chosen]) {
    const from = sources.get(index);
    if (from !== undefined) chosen.add(from);
  }
  return [...chosen].sort((a, b) => a - b);
};
