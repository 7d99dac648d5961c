import type { TimeSpan } from "../core/units.ts";
import { basinOf } from "../selection/basin.ts";
import { smoothed } from "../selection/peaks.ts";
import type { MadePair } from "./make-pair.ts";
import { type Sparsified, sparsifiedIndices } from "./sparsify.ts";

/** Frames outside the events are sampled at this rate. */
const otherFps = 8;

/** The time around each key frame in which the curve stays in the upper half of its way down to the valleys. */
const keyEvents = ({ pair, rule, keyPositions, source }: MadePair): TimeSpan[] => {
  const curve = smoothed(pair.scores, rule.smoothingFrames ?? 1);
  return keyPositions.map((peak) => {
    const { first, last } = basinOf(curve, peak, 0.5);
    return {
      startSeconds: pair.timeline[first]!.timeSeconds,
      endSeconds: pair.timeline[last + 1]?.timeSeconds ?? source.durationSeconds,
    };
  });
};

/** Chosen frames, and the events that they were chosen by. */
export interface SparsifiedFrames extends Sparsified {
  readonly events: readonly TimeSpan[];
}

/** Frames of a clip sampled so that about `share` of them lie in its events. @throws {ConfigError} without events */
export const sparsifiedByEvents = (
  { timeline, durationSeconds }: Pick<MadePair["source"], "timeline" | "durationSeconds">,
  events: readonly TimeSpan[],
  share: number,
): SparsifiedFrames => ({
  ...sparsifiedIndices(timeline, durationSeconds, events, share, otherFps),
  events,
});

/**
 * The same by the spans that a pair was made of, or by what lies around its key frames where none were given.
 *
 * @throws {ConfigError} for a pair without either
 */
export const sparsifiedFrames = (made: MadePair, share: number): SparsifiedFrames =>
  sparsifiedByEvents(made.source, made.knownSpans ?? keyEvents(made), share);
