import { z } from "zod";
import { defineIntervention, eventPositions, type InterventionPlugin } from "../interventions.ts";

/**
 * The decisive positions are those that the absent twin changes, and those inside the sample's events. Null where the
 * positions show none of them.
 */
const plugin: InterventionPlugin = defineIntervention({
  summary: "the decisive frames alone, each position showing the nearest of them",
  source: "evidence-only control (sufficiency), same number of pictures",
  tells: "what the decisive frames are enough for",
  params: z.strictObject({}),
  create:
    () =>
    ({ sample, twin, positions_T }) => {
      const decisive = eventPositions(sample, positions_T);
      positions_T.forEach((frame, t) => {
        if (twin?.changes(frame) === true) decisive.add(t);
      });
      if (decisive.size === 0) return null;
      const ascending = [...decisive].sort((a, b) => a - b);
      const nearest = (t: number): number =>
        ascending.reduce((best, one) => (Math.abs(one - t) < Math.abs(best - t) ? one : best));
      return { shown_T: positions_T.map((_, t) => positions_T[nearest(t)]!) };
    },
});
export default plugin;
