import type { Random } from "../core/random.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { Timeline } from "../video/types.ts";
import type { PositionReplacement } from "./builders.ts";
import { replaceByPrevious } from "./previous-frame.ts";

/**
 * The freeze-artefact control: as many replacements by the frame before, at random frames that are not key, for the
 * complete side, so that a model cannot tell the twins apart by a frozen frame alone. Positions count sampled frames.
 * Gives fewer when there are not enough other frames.
 *
 * @source ours (the paper has no such control)
 */
export const freezeControl = (
  timeline: Timeline,
  keyFrames: readonly number[],
  count: number,
  random: Random,
): PositionReplacement[] => {
  const key = new Set(keyFrames);
  const others: number[] = [];
  for (let position = 1; position < timeline.length; position++)
    if (!key.has(position)) others.push(position);
  const drawn = random
    .shuffled(others)
    .slice(0, count)
    .sort((a, b) => a - b);
  return replaceByPrevious(drawn, timeline.length, "keep");
};

/** How many frames differ from the frame before them by at most `toleranceLevels` on average (0: bit for bit equal). */
export const duplicateCount = (frames: FrameBatch, toleranceLevels: number): number => {
  let count = 0;
  for (let position = 1; position < frames.frames.length; position++) {
    const a = pixelsOf(frames, position - 1);
    const b = pixelsOf(frames, position);
    let sum = 0;
    for (let at = 0; at < a.length; at++) sum += Math.abs(a[at]! - b[at]!);
    if (sum <= toleranceLevels * a.length) count++;
  }
  return count;
};

/**
 * How well someone who only counts duplicates tells twin from complete clip: the share of (complete, absent) pairs of
 * counts in which the absent clip has more, ties half. 0.5: not at all; 1: always.
 */
export const duplicateDetectorAccuracy = (
  completeCounts: readonly number[],
  absentCounts: readonly number[],
): number => {
  let right = 0;
  for (let i = 0; i < completeCounts.length; i++)
    right += absentCounts[i]! > completeCounts[i]! ? 1 : absentCounts[i]! === completeCounts[i]! ? 0.5 : 0;
  return right / completeCounts.length;
};
