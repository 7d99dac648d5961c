import { indicesForFps } from "../video/timeline.ts";
import type { Timeline } from "../video/types.ts";

/** Frames scored per second; "auto": 8, but all frames of a clip of at most 16. */
export type ScoredRate = number | "all" | "auto";

const automaticRate = 8;
const shortClip = 16;

/** The frames of a clip that are scored at a rate. @throws {ConfigError} when it is no rate */
export const scoredFrames = (full: Timeline, rate: ScoredRate): Timeline => {
  if (rate === "all" || (rate === "auto" && full.length <= shortClip)) return full;
  return indicesForFps(full, rate === "auto" ? automaticRate : rate).map((position) => full[position]!);
};
