import type { FrameBatch } from "../frames/frame-batch.ts";
import { withoutBars } from "./black-bars.ts";
import { distancesWithin, type FrameDistances, frameDistances } from "./frame-distances.ts";
import { motionRefusal, orderRefusal, type Refusal, shotsOf, withoutFades } from "./verdict.ts";

/** A part of a clip without a cut and without fades at its ends, and what may be asked of it. */
export interface ClipPart {
  readonly batch: FrameBatch;
  /** Place of the part's first frame in the batch. */
  readonly start: number;
  readonly distances: FrameDistances;
  readonly timesSeconds: readonly number[];
  /** Why nothing can be asked that needs motion. */
  readonly motion: Refusal | undefined;
  /** Why nothing can be asked that needs an order. */
  readonly order: Refusal | undefined;
}

const partsOfWindow = (batch: FrameBatch): ClipPart[] => {
  const whole = frameDistances(batch);
  const shown = withoutFades(whole);
  if (shown.start === shown.end) return [];
  return shotsOf(whole, shown).map(({ start, end }) => {
    const distances = distancesWithin(whole, start, end);
    const motion = motionRefusal(distances);
    return {
      batch,
      start,
      distances,
      timesSeconds: batch.frames.slice(start, end).map(({ timeSeconds }): number => timeSeconds),
      motion,
      order: motion ?? orderRefusal(distances),
    };
  });
};

/**
 * The parts of a clip that fragments are drawn from: those of which everything can be asked; if there are none, those
 * with motion; if there are none, the longest. None when every frame is blank.
 *
 * @param windows frames of each window of the clip, small and in true order
 */
export const usableParts = (windows: readonly FrameBatch[]): ClipPart[] => {
  const parts = withoutBars(windows).flatMap(partsOfWindow);
  const ordered = parts.filter(({ order }) => order === undefined);
  if (ordered.length > 0) return ordered;
  const moving = parts.filter(({ motion }) => motion === undefined);
  if (moving.length > 0) return moving;
  return parts.toSorted((a, b) => b.distances.count - a.distances.count).slice(0, 1);
};
