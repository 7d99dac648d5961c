import { ConfigError } from "../core/errors.ts";
import type { FrameRequest } from "./request.ts";
import { frameAt, indicesForCount, indicesForFps, indicesInRange } from "./timeline.ts";
import type { Timeline } from "./types.ts";

const checkedIndex = (index: number, timeline: Timeline): number => {
  if (!Number.isInteger(index) || index < 0 || index >= timeline.length)
    throw new ConfigError("no such frame", { expected: `0 to ${timeline.length - 1}`, got: String(index) });
  return index;
};

const checkedTime = (time: number): number => {
  if (!Number.isFinite(time) || time < 0)
    throw new ConfigError("not a time in the clip", { expected: "seconds >= 0", got: String(time) });
  return time;
};

/** Positions of the frames that a request means, ascending, none twice. @throws {ConfigError} for values out of range */
export const resolveRequest = (request: FrameRequest, timeline: Timeline): Int32Array => {
  const { select, range } = request;
  const positions = ((): number[] => {
    if (select.kind === "all") return indicesInRange(timeline, range);
    if (select.kind === "fps") return indicesForFps(timeline, select.fps, range);
    if (select.kind === "count") return indicesForCount(timeline, select.count, range);
    const chosen =
      select.kind === "indices"
        ? select.indices.map((index) => checkedIndex(index, timeline))
        : select.timesSeconds.map((time) => frameAt(checkedTime(time), timeline) as number);
    if (range === undefined) return chosen;
    const inside = new Set(indicesInRange(timeline, range));
    return chosen.filter((index) => inside.has(index));
  })();
  return Int32Array.from(new Set(positions)).sort();
};
