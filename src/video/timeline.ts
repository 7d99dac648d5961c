import { ConfigError } from "../core/errors.ts";
import type { FrameIndex, Seconds, TimeSpan } from "../core/units.ts";
import type { TimedFrame, Timeline } from "./types.ts";

/** Times that differ by less than this are the same; absorbs decimal rounding in JSON and on the command line. */
export const timeTolerance = 1e-6;

/** A timeline from ascending times in seconds; the first becomes 0. */
export const timelineFromTimes = (timesSeconds: ArrayLike<number>): Timeline => {
  const timeline: TimedFrame[] = [];
  for (let i = 0; i < timesSeconds.length; i++)
    timeline.push({ index: i as FrameIndex, timeSeconds: (timesSeconds[i]! - timesSeconds[0]!) as Seconds });
  return timeline;
};

/** Position of the frame that is shown at `timeSeconds`: the last one that begins at or before it, else the first. */
export const frameAt = (timeSeconds: number, timeline: Timeline): FrameIndex => {
  let low = 0;
  let high = timeline.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (timeline[middle]!.timeSeconds <= timeSeconds + timeTolerance) low = middle;
    else high = middle - 1;
  }
  return low as FrameIndex;
};

/**
 * When the last frame ends: at the clip's duration where that is known, else as if it was shown as long as is usual in
 * this clip; 0 for a single frame of unknown duration.
 */
export const endOf = (timeline: Timeline, durationSeconds?: number): number => {
  const last = timeline.at(-1);
  if (last === undefined) return 0;
  if (durationSeconds !== undefined && durationSeconds >= last.timeSeconds) return durationSeconds;
  const gaps = Float64Array.from(
    timeline.slice(1),
    (frame, i) => frame.timeSeconds - timeline[i]!.timeSeconds,
  );
  return last.timeSeconds + (gaps.sort()[gaps.length >> 1] ?? 0);
};

/** Positions of the frames that begin inside the range, plus the one that is shown at its start. */
export const indicesInRange = (timeline: Timeline, range: TimeSpan | undefined): number[] => {
  if (range === undefined) return timeline.map((_, i) => i);
  const positions: number[] = [];
  for (let i = frameAt(range.startSeconds, timeline); i < timeline.length; i++) {
    if (i > 0 && timeline[i]!.timeSeconds >= range.endSeconds - timeTolerance) break;
    positions.push(i);
  }
  return positions;
};

/**
 * Positions shown at start, start + 1/fps, ... up to the last frame's beginning; ascending, none twice.
 * @throws {ConfigError} when the rate is not above 0
 */
export const indicesForFps = (timeline: Timeline, fps: number, range?: TimeSpan): number[] => {
  if (!(fps > 0) || !Number.isFinite(fps))
    throw new ConfigError("not a frame rate", { expected: "a number > 0", got: String(fps) });
  const last = timeline.at(-1);
  if (last === undefined) return [];
  const start = Math.max(0, range?.startSeconds ?? 0);
  const end = Math.min(last.timeSeconds, (range?.endSeconds ?? Number.POSITIVE_INFINITY) - 2 * timeTolerance);
  const positions: number[] = [];
  let at = frameAt(start, timeline) as number;
  for (let k = 0; ; ) {
    const time = start + k / fps;
    if (time > end + timeTolerance && k > 0) break;
    while (at + 1 < timeline.length && timeline[at + 1]!.timeSeconds <= time + timeTolerance) at++;
    if (positions.at(-1) !== at) positions.push(at);
    if (at === timeline.length - 1) break;
    // Nothing changes until the next frame, which a damaged clip may have years later.
    k = Math.max(k + 1, Math.floor((timeline[at + 1]!.timeSeconds - start) * fps) - 2);
  }
  return positions;
};

/**
 * Positions shown at the middles of `count` equal spans; ascending, none twice, so a short clip gives fewer.
 * `durationSeconds`: when the last frame ends, where that is known.
 * @throws {ConfigError} when the count is no whole number above 0
 */
export const indicesForCount = (
  timeline: Timeline,
  count: number,
  range?: TimeSpan,
  durationSeconds?: number,
): number[] => {
  if (!Number.isInteger(count) || count < 1)
    throw new ConfigError("not a number of frames", { expected: "an integer >= 1", got: String(count) });
  const candidates = indicesInRange(timeline, range);
  if (candidates.length <= count) return candidates;
  const start = Math.max(0, range?.startSeconds ?? 0);
  const end = Math.min(endOf(timeline, durationSeconds), range?.endSeconds ?? Number.POSITIVE_INFINITY);
  const positions: number[] = [];
  for (let k = 0; k < count; k++) {
    const at = frameAt(start + ((k + 0.5) * (end - start)) / count, timeline);
    if (positions.at(-1) !== at) positions.push(at);
  }
  return positions;
};
