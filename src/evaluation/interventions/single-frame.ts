import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";
import { keptPosition, whichFrame } from "../kept-position.ts";

const params = z.strictObject({
  at: whichFrame,
  others: z
    .enum(["drop", "blank"])
    .default("drop")
    .describe("drop: one picture alone; blank: the other positions show blank pictures"),
});

const plugin: InterventionPlugin = defineIntervention({
  summary: "one frame alone",
  source: "single-frame bias control; frozen repeats the frame instead",
  tells: "what a still picture gives away",
  draws: ({ at }) => at === "random",
  params,
  create:
    ({ at, others }) =>
    ({ positions_T, random }) => {
      const kept = keptPosition(positions_T.length, at, random);
      if (kept === null) return null;
      if (others === "blank") return { shown_T: positions_T.map((frame, t) => (t === kept ? frame : null)) };
      return { shown_T: [...positions_T], dropped_T: positions_T.map((_, t) => t !== kept) };
    },
});
export default plugin;
