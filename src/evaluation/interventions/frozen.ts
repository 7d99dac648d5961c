import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";
import { keptPosition, whichFrame } from "../kept-position.ts";

const plugin: InterventionPlugin = defineIntervention({
  summary: "one frame at every position: as many pictures, and nothing moves",
  source: "control for the number of visual tokens beside single-frame",
  tells: "what a still picture gives away at the full number of pictures",
  draws: ({ at }) => at === "random",
  params: z.strictObject({ at: whichFrame }),
  create:
    ({ at }) =>
    ({ positions_T, random }) => {
      const kept = keptPosition(positions_T.length, at, random);
      return kept === null ? null : { shown_T: positions_T.map(() => positions_T[kept]!) };
    },
});
export default plugin;
