import { frameSelectors } from "../selection/selectors.ts";
import { indicesForFps } from "../video/timeline.ts";
import type { Timeline } from "../video/types.ts";

/** Frames scored per second; "auto": 8, but all frames of a clip of at most 16. */
export type ScoredRate = number | "all" | "auto";

/** Frames that a selector chooses: `NAME` or `NAME:key=value,...`, and how many at most. */
export interface SelectedFrames {
  readonly selector: string;
  readonly budget: number;
}

/** Chooses the frames of a clip that are scored; ascending, one or more of a clip that has any. */
export type FrameChooser = (timeline: Timeline, durationSeconds: number) => Timeline;

const automaticRate = 8;
const shortClip = 16;

/** The frames of a clip that are scored at a rate. @throws {ConfigError} when it is no rate */
export const scoredFrames = (full: Timeline, rate: ScoredRate): Timeline => {
  if (rate === "all" || (rate === "auto" && full.length <= shortClip)) return full;
  return indicesForFps(full, rate === "auto" ? automaticRate : rate).map((position) => full[position]!);
};

/**
 * What chooses the scored frames.
 *
 * @throws {UnknownNameError} for an unknown selector
 * @throws {ConfigError} for its bad parameters
 */
export const frameChooser = async (wanted: ScoredRate | SelectedFrames): Promise<FrameChooser> => {
  if (typeof wanted !== "object") return (timeline) => scoredFrames(timeline, wanted);
  const { selector, budget } = wanted;
  const { value } = await frameSelectors.choose(selector);
  return (timeline, durationSeconds) => {
    const chosen = value.select({ timeline, durationSeconds, budget });
    const byIndex = new Map(timeline.map((frame) => [frame.index as number, frame]));
    return chosen.flatMap((index) => byIndex.get(index) ?? []);
  };
};
