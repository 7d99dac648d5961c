import { ConfigError } from "../core/errors.ts";
import type { FrameRequest } from "./request.ts";
import { endOf, frameAt, indicesForCount, indicesForFps, indicesInRange } from "./timeline.ts";
import type { Timeline } from "./types.ts";

const checkedIndex = (index: number, timeline: Timeline): number => {
  if (!Number.isInteger(index) || index < 0 || index >= timeline.length)
    throw new ConfigError("no such frame", { expected: `0 to ${timeline.length - 1}`, got: String(index) });
  return index;
};

/** Times are printed with three decimals: what was rounded up is still meant. Seconds. */
const printedRounding = 1e-3;

const checkedTime = (time: number, end: number): number => {
  if (!Number.isFinite(time) || time < 0)
    throw new ConfigError("not a time in the clip", { expected: "seconds >= 0", got: String(time) });
  if (time > end + printedRounding)
    throw new ConfigError("a time behind the end of the clip", {
      expected: `0 to ${end.toFixed(3)} s`,
      got: `${time} s`,
    });
  return time;
};

/**
 * Positions of the frames that a request means, ascending, none twice. `durationSeconds`: when the last frame ends,
 * where that is known.
 *
 * @throws {ConfigError} for values out of range, times behind the clip's end among them
 */
export const resolveRequest = (
  request: FrameRequest,
  timeline: Timeline,
  durationSeconds?: number,
): Int32Array => {
  const { select, range } = request;
  const end = endOf(timeline, durationSeconds);
  if (range !== undefined && range.startSeconds > 0 && range.startSeconds >= end)
    throw new ConfigError("a range behind the end of the clip", {
      expected: `a start below ${end.toFixed(3)} s`,
      got: `${range.startSeconds} s`,
    });
  const positions = ((): number[] => {
    if (select.kind === "all") return indicesInRange(timeline, range);
    if (select.kind === "fps") return indicesForFps(timeline, select.fps, range);
    if (select.kind === "count") return indicesForCount(timeline, select.count, range, durationSeconds);
    const chosen =
      select.kind === "indices"
        ? select.indices.map((index) => checkedIndex(index, timeline))
        : select.timesSeconds.map((time) => frameAt(checkedTime(time, end), timeline) as number);
    if (range === undefined) return chosen;
    const inside = new Set(indicesInRange(timeline, range));
    return chosen.filter((index) => inside.has(index));
  })();
  return Int32Array.from(new Set(positions)).sort();
};
