import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";
import type { TwinView } from "./twin-view.ts";

const holds =
  (time: number) =>
  ({ startSeconds, endSeconds }: TimeSpan): boolean =>
    time >= startSeconds && time < endSeconds;

/** Indices of the frames that lie in a span. */
export const framesInside = (timeline: Timeline, spans: readonly TimeSpan[]): Set<number> =>
  new Set(
    timeline.flatMap(({ index, timeSeconds }): number[] => (spans.some(holds(timeSeconds)) ? [index] : [])),
  );

/** How much of known events a twin takes away. */
export interface LostEvents {
  /** Frames of the clip that lie in an event. */
  readonly frames: number;
  /** Of those, frames in whose place the twin shows something else. */
  readonly gone: number;
  /** Events of which at least half the frames are gone, of those that have a frame. */
  readonly halfGone: number;
  readonly events: number;
  /** Events of which no frame is shown anywhere: not even the one that a freeze repeats. */
  readonly unseen: number;
}

/** Looks at what a twin shows while known events happen. A blanked frame shows nothing. */
export const lostEvents = (timeline: Timeline, view: TwinView, spans: readonly TimeSpan[]): LostEvents => {
  const inside = framesInside(timeline, spans);
  const gone = new Set([...inside].filter((index) => view.changes(index)));
  const shown = new Set<number>();
  for (const { index } of timeline) {
    const { source, pixels } = view.at(index);
    if (pixels === null) shown.add(source);
  }
  const each = spans.map((span) => [...framesInside(timeline, [span])]).filter((frames) => frames.length > 0);
  const shares = each.map((frames) => frames.filter((index) => gone.has(index)).length / frames.length);
  return {
    frames: inside.size,
    gone: gone.size,
    halfGone: shares.filter((share) => share >= 0.5).length,
    events: each.length,
    unseen: each.filter((frames) => !frames.some((index) => shown.has(index))).length,
  };
};
