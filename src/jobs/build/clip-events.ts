import { DataFormatError } from "../../core/errors.ts";
import type { EventSpan } from "../../dataset/sample.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import { endOf } from "../../video/timeline.ts";
import type { Timeline } from "../../video/types.ts";

/** How far an event may go on behind the end of its clip: annotations round, and cut it there. */
const roundedSeconds = 1;

/** The events of a row in seconds of its clip, and how much was cut off where an end was rounded up. */
export interface ClipEvents {
  readonly events: readonly EventSpan[];
  readonly cutSeconds: number;
}

/**
 * The events of a row, by the clip's own clock: those that are given in frames become times of those frames, and ends
 * that lie a little behind the last frame are the clip's end.
 *
 * @throws {DataFormatError} for an event that is not in the clip
 */
export const clipEvents = (row: SourceRow, timeline: Timeline, durationSeconds: number): ClipEvents => {
  const end = endOf(timeline, durationSeconds);
  const timeOf = (frame: number): number =>
    frame < timeline.length ? timeline[frame]!.timeSeconds : Number(end);
  const fromFrames = (row.frameEvents ?? []).map(({ startFrame, endFrame, what }): EventSpan => {
    if (endFrame > timeline.length)
      throw new DataFormatError("an event is not in the clip", {
        expected: `frames 0 to ${timeline.length}`,
        got: `${startFrame} to ${endFrame} (${what})`,
        hint: "is this the clip that was annotated, at its frame rate?",
      });
    return { startSeconds: timeOf(startFrame), endSeconds: timeOf(endFrame), what };
  });
  let cutSeconds = 0;
  const events = [...(row.events ?? []), ...fromFrames].map((event) => {
    if (event.endSeconds <= end) return event;
    if (event.endSeconds > end + roundedSeconds || event.startSeconds >= end)
      throw new DataFormatError("an event is not in the clip", {
        expected: `times from 0 to ${end.toFixed(2)} s`,
        got: `${event.startSeconds} to ${event.endSeconds} s (${event.what})`,
      });
    cutSeconds = Math.max(cutSeconds, event.endSeconds - end);
    return { ...event, endSeconds: Number(end) };
  });
  return { events, cutSeconds };
};

/** Share of the frames inside of events that the twin does not show; null without events or frames in them. */
export const eventsGone = (
  timeline: Timeline,
  events: readonly EventSpan[],
  changes: (index: number) => boolean,
): number | null => {
  const inside = timeline.filter(({ timeSeconds }) =>
    events.some(({ startSeconds, endSeconds }) => timeSeconds >= startSeconds && timeSeconds < endSeconds),
  );
  if (inside.length === 0) return null;
  return inside.filter(({ index }) => changes(index)).length / inside.length;
};
