import { z } from "zod";
import type { Random } from "../../core/random.ts";
import { defineIntervention, eventPositions, type InterventionPlugin, paintedBy } from "../interventions.ts";

/** Lengths of the stretches of neighbouring positions that the absent twin changes, longest first. */
const changedRuns = (changed_T: readonly boolean[]): number[] => {
  const runs: number[] = [];
  let length = 0;
  changed_T.forEach((changed, t) => {
    if (changed) length++;
    if (length > 0 && (!changed || t === changed_T.length - 1)) {
      runs.push(length);
      length = 0;
    }
  });
  return runs.sort((a, b) => b - a);
};

/** A place for every run, away from `closed` positions and from each other; null when there is no room. */
const placeRuns = (
  runs: readonly number[],
  size: number,
  closed: ReadonlySet<number>,
  random: Random,
): Set<number> | null => {
  const taken = new Set<number>();
  for (const length of runs) {
    const starts: number[] = [];
    for (let start = 1; start + length <= size; start++) {
      let free = !closed.has(start - 1) && !taken.has(start - 1) && !taken.has(start + length);
      for (let t = start; t < start + length && free; t++) free = !closed.has(t) && !taken.has(t);
      if (free) starts.push(start);
    }
    if (starts.length === 0) return null;
    const start = random.pick(starts);
    for (let t = start; t < start + length; t++) taken.add(t);
  }
  return taken;
};

/**
 * As many positions replaced as in the absent twin, in stretches of the same lengths, each by the frame before its
 * stretch (painted as the twin's are, where its builder paints), but outside the key frames and the events, and never copying an event's frame. What it costs is the price of
 * a freeze anywhere; what the absent twin costs beyond that is the price of the decisive frames. Null when the clip has no
 * absent twin, or no room for such stretches (after some tries); unchanged when the twin changes none of the positions.
 */
const plugin: InterventionPlugin = defineIntervention({
  summary: "as many other frames replaced, outside the event",
  source: "ablation A and the random-removed control; stretches of equal lengths are ours",
  tells: "the price of a freeze anywhere",
  draws: () => true,
  params: z.strictObject({ tries: z.int().min(1).default(20).describe("attempts at placing all stretches") }),
  create:
    ({ tries }) =>
    ({ sample, twin, positions_T, random }) => {
      const { absent } = sample;
      if (twin === null || absent === undefined) return null;
      const changed_T = positions_T.map((frame) => twin.changes(frame));
      const runs = changedRuns(changed_T);
      const closed = eventPositions(sample, positions_T);
      positions_T.forEach((frame, t) => {
        if (changed_T[t] || absent.keyFrames.includes(frame)) closed.add(t);
      });
      // A twin that only paints its frames (mask) has a control that paints as many others.
      const freezes = twin.changed.some((frame) => twin.at(frame).source !== frame);
      for (let attempt = 0; attempt < tries; attempt++) {
        const taken = placeRuns(runs, positions_T.length, closed, random);
        if (taken === null) continue;
        const shown_T = [...positions_T];
        if (freezes) for (const t of [...taken].sort((a, b) => a - b)) shown_T[t] = shown_T[t - 1]!;
        const painted = paintedBy(
          twin,
          absent.builder,
          positions_T.map((_, t) => taken.has(t)),
        );
        return { shown_T, ...painted };
      }
      return null;
    },
});
export default plugin;
