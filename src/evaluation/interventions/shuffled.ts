import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

/** Any order but the true one, uniformly; positions keep their times. Two frames or more are needed. */
const plugin: InterventionPlugin = defineIntervention({
  summary: "frames in random order, times in place",
  source: "frame-order control, pixels only (positions and time stamps stay)",
  tells: "whether the order of pictures is used",
  params: z.strictObject({}),
  create:
    () =>
    ({ positions_T, random }) => {
      if (new Set(positions_T).size < 2) return null;
      let shown_T = random.shuffled(positions_T);
      while (shown_T.every((frame, t) => frame === positions_T[t])) shown_T = random.shuffled(positions_T);
      return { shown_T };
    },
});
export default plugin;
