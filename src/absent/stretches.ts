import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";
import type { BuilderInput, PositionReplacement } from "./builders.ts";
import type { FirstFrameRule } from "./previous-frame.ts";

/** Seconds over which a curve is averaged before its highest part is taken. */
const averagedSeconds = 0.5;

/** How long each sampled frame stands for, seconds: the first one from 0, the last one as long as the step before it. */
const standingOf = (timeline: Timeline): number[] => {
  const steps = timeline.slice(1).map(({ timeSeconds }, at) => timeSeconds - timeline[at]!.timeSeconds);
  const standing = [...steps, steps.at(-1) ?? 1];
  if (timeline.length > 0) standing[0]! += timeline[0]!.timeSeconds;
  return standing;
};

/** The mean of a curve over a window of true time around every frame. */
const averaged = (curve: ArrayLike<number>, timeline: Timeline): number[] => {
  const half = averagedSeconds / 2 + 1e-9;
  let [first, end] = [0, 0];
  let sum = 0;
  return timeline.map(({ timeSeconds }) => {
    while (end < timeline.length && timeline[end]!.timeSeconds <= timeSeconds + half) sum += curve[end++]!;
    while (timeline[first]!.timeSeconds < timeSeconds - half) sum -= curve[first++]!;
    return sum / (end - first);
  });
};

/** Positions whose time overlaps a span: a sampled frame stands until the next one, the first from the beginning on. */
export const positionsInSpans = (timeline: Timeline, spans: readonly TimeSpan[]): boolean[] =>
  timeline.map(({ timeSeconds }, at) => {
    const start = at === 0 ? Number.NEGATIVE_INFINITY : timeSeconds;
    const end = timeline[at + 1]?.timeSeconds ?? Number.POSITIVE_INFINITY;
    return spans.some(({ startSeconds, endSeconds }) => startSeconds < end && endSeconds > start);
  });

/**
 * The positions that stand out most, together at most `mostShare` of the time: key frames first, then by the curve
 * averaged over half a second, so that several events have their parts and not one peak alone.
 */
export const highestPositions = (
  { timeline, curve, keyFrames }: Pick<BuilderInput, "timeline" | "curve" | "keyFrames">,
  mostShare: number,
): boolean[] => {
  const standing = standingOf(timeline);
  const taken = timeline.map(() => false);
  if (keyFrames.length === 0) return taken;
  const height = averaged(curve, timeline);
  const keys = new Set(keyFrames);
  const order = timeline
    .map((_, at) => at)
    .sort((a, b) => Number(keys.has(b)) - Number(keys.has(a)) || height[b]! - height[a]! || a - b);
  let left = mostShare * standing.reduce((sum, seconds) => sum + seconds, 0) + 1e-9;
  for (const at of order) {
    if (standing[at]! > left) break;
    left -= standing[at]!;
    taken[at] = true;
  }
  return taken;
};

/** Every run of taken positions shows the frame before it; a run at the beginning the one behind it, or stays. */
export const replacedRuns = (
  taken: readonly boolean[],
  firstFrame: FirstFrameRule,
): PositionReplacement[] => {
  const replacements: PositionReplacement[] = [];
  for (let first = 0; first < taken.length; first++) {
    if (taken[first] !== true) continue;
    let end = first;
    while (taken[end] === true) end++;
    const from = first > 0 ? first - 1 : firstFrame === "successor" && end < taken.length ? end : -1;
    if (from >= 0)
      for (let position = first; position < end; position++) replacements.push({ position, from });
    first = end;
  }
  return replacements;
};
