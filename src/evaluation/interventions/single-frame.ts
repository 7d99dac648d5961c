import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const params = z.strictObject({
  at: z.enum(["first", "middle", "last", "random"]).default("middle").describe("which frame stays"),
  others: z
    .enum(["repeat", "blank"])
    .default("repeat")
    .describe("what the other positions show: the same frame again (same number of visual tokens), or blank"),
});

const plugin: InterventionPlugin = defineIntervention({
  summary: "one frame at every position",
  source: "single-frame bias control; repeated so that the number of visual tokens stays",
  tells: "what a still picture gives away",
  params,
  create:
    ({ at, others }) =>
    ({ positions_T, random }) => {
      const last = positions_T.length - 1;
      if (last < 0) return null;
      const kept = {
        first: 0,
        middle: last >> 1,
        last,
        random: at === "random" ? random.integer(last + 1) : 0,
      }[at];
      return {
        shown_T: positions_T.map((_, t) => (t === kept || others === "repeat" ? positions_T[kept]! : null)),
      };
    },
});
export default plugin;
