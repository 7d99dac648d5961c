import { ConfigError } from "../core/errors.ts";
import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";

/** What {@link sparsifiedIndices} chose and reached. */
export interface Sparsified {
  /** Indices of the clip's frames, ascending; their true times stay. */
  readonly indices: readonly number[];
  /** Chosen frames inside the events as a share of all chosen ones, in [0, 1]. */
  readonly keyShare: number;
  /** Chosen frames a second of the time inside the events. */
  readonly keyFps: number;
  /** Chosen frames a second of the time outside. */
  readonly otherFps: number;
  /** True when the target was met within one frame; else the clip has too few other frames or too many events. */
  readonly reached: boolean;
}

/** Times of a grid of `fps` that begins half a step into the span, so that every span gets at least one. */
const gridOf = (span: TimeSpan, fps: number): number[] => {
  const length = span.endSeconds - span.startSeconds;
  const count = Math.max(1, Math.round(length * fps));
  return Array.from({ length: count }, (_, at) => span.startSeconds + ((at + 0.5) * length) / count);
};

/** The frame shown at a time. */
const shownAt = (timeline: Timeline, timeSeconds: number): number => {
  let low = 0;
  let high = timeline.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (timeline[middle]!.timeSeconds <= timeSeconds + 1e-9) low = middle;
    else high = middle - 1;
  }
  return low;
};

/**
 * Samples a clip so that about `targetShare` of its frames lie in `events`: other time at `otherFps` (at most every
 * frame), key time at the rate that brings the share to its target, at least one frame for every event that has a frame
 * at all, overlapping ones too. Frames keep their true times, so the result is sampled unevenly and the times must go to
 * the model. With key time p of the whole, sampled at a, and other time at b, the share is p a / (p a + (1 - p) b).
 *
 * @throws {ConfigError} when there is no event, or no time outside the events
 * @source VideoPerceiver (arXiv 2511.18823), sparsification ("non-key parts at 8 fps lower the key share to 5 %"); the
 * formula is reconstructed
 */
export const sparsifiedIndices = (
  timeline: Timeline,
  durationSeconds: number,
  events: readonly TimeSpan[],
  targetShare: number,
  otherFps: number,
): Sparsified => {
  const spans = mergedSpans(events, durationSeconds);
  const keySeconds = spans.reduce((sum, span) => sum + span.endSeconds - span.startSeconds, 0);
  if (spans.length === 0 || keySeconds >= durationSeconds)
    throw new ConfigError("cannot sparsify", {
      expected: "events that cover part of the clip",
      got: `${spans.length} spans, ${keySeconds.toFixed(2)} of ${durationSeconds.toFixed(2)} s`,
    });
  const others = complementOf(spans, durationSeconds);
  const inside = (index: number): boolean => {
    const time = timeline[index]!.timeSeconds;
    return spans.some((span) => time >= span.startSeconds && time < span.endSeconds);
  };
  const otherIndices = unique(
    others.flatMap((span) => gridOf(span, otherFps).map((time) => shownAt(timeline, time))),
  ).filter((index) => !inside(index));
  const wantedKeys = (targetShare * otherIndices.length) / (1 - targetShare);
  const keyFps = wantedKeys / keySeconds;
  const gridIndices = unique(
    spans.flatMap((span) => gridOf(span, keyFps).map((time) => shownAt(timeline, time))),
  ).filter(inside);
  const keyIndices = unique([...gridIndices, ...missedEvents(timeline, events, gridIndices)]);
  const total = otherIndices.length + keyIndices.length;
  return {
    indices: unique([...otherIndices, ...keyIndices]),
    keyShare: total === 0 ? 0 : keyIndices.length / total,
    keyFps: keyIndices.length / keySeconds,
    otherFps: otherIndices.length / (durationSeconds - keySeconds),
    reached: Math.abs(keyIndices.length - wantedKeys) <= 1,
  };
};

/** For every event in which no chosen frame lies, the one of its frames that is nearest to its middle. */
const missedEvents = (timeline: Timeline, events: readonly TimeSpan[], chosen: readonly number[]): number[] =>
  events.flatMap(({ startSeconds, endSeconds }) => {
    const lies = (index: number): boolean => {
      const { timeSeconds } = timeline[index]!;
      return timeSeconds >= startSeconds && timeSeconds < endSeconds;
    };
    if (chosen.some(lies)) return [];
    const middle = shownAt(timeline, (startSeconds + endSeconds) / 2);
    const found = [middle, middle + 1].find((index) => index < timeline.length && lies(index));
    return found === undefined ? [] : [found];
  });

const unique = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

const mergedSpans = (events: readonly TimeSpan[], durationSeconds: number): TimeSpan[] => {
  const result: { startSeconds: number; endSeconds: number }[] = [];
  const clipped = events
    .map(({ startSeconds, endSeconds }) => ({
      startSeconds: Math.max(0, startSeconds),
      endSeconds: Math.min(durationSeconds, endSeconds),
    }))
    .filter((span) => span.endSeconds > span.startSeconds)
    .sort((a, b) => a.startSeconds - b.startSeconds);
  for (const span of clipped) {
    const last = result[result.length - 1];
    if (last !== undefined && span.startSeconds <= last.endSeconds)
      last.endSeconds = Math.max(last.endSeconds, span.endSeconds);
    else result.push(span);
  }
  return result;
};

const complementOf = (spans: readonly TimeSpan[], durationSeconds: number): TimeSpan[] => {
  const result: TimeSpan[] = [];
  let at = 0;
  for (const { startSeconds, endSeconds } of spans) {
    if (startSeconds > at) result.push({ startSeconds: at, endSeconds: startSeconds });
    at = endSeconds;
  }
  if (at < durationSeconds) result.push({ startSeconds: at, endSeconds: durationSeconds });
  return result;
};

/** What a record says of frames that were chosen with a sample or a pair. */
export interface SparsifiedRecord {
  /** The share of frames in events that was wanted, and the one that was reached. */
  readonly share: number;
  readonly keyShare: number;
  /** Frames a second of the time inside of events, and outside. */
  readonly keyFps: number;
  readonly otherFps: number;
  /** False: the share is off by more than a frame, for want of frames. */
  readonly reached: boolean;
}

/** The record of chosen frames, in digits that people read. */
export const sparsifiedRecord = (
  { keyShare, keyFps, otherFps, reached }: Sparsified,
  share: number,
): SparsifiedRecord => ({
  share,
  keyShare: Number(keyShare.toFixed(4)),
  keyFps: Number(keyFps.toFixed(3)),
  otherFps: Number(otherFps.toFixed(3)),
  reached,
});
