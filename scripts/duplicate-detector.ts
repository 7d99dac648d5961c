import { type FrameBatch, pixelsOf } from "../src/frames/frame-batch.ts";

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
