import type { FrameIndex, Seconds } from "../core/units.ts";

/** One presented frame: its 0-based position in presentation order and its true time from the first frame. */
export interface TimedFrame {
  readonly index: FrameIndex;
  readonly timeSeconds: Seconds;
}

/** Every presented frame of a clip in order; time is the truth, variable rates are normal. */
export type Timeline = readonly TimedFrame[];
