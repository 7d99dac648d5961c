import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const params = z.strictObject({ frames: z.int().min(1).default(4).describe("pictures that are left") });

/** Null where no picture would go. The middles of equal stretches of positions stay. */
const plugin: InterventionPlugin = defineIntervention({
  summary: "fewer frames, evenly spread",
  source: "frame budget sweep: name it once for every budget, as budget:2, budget:4, ...",
  tells: "whether the score follows how much of the clip is seen",
  params,
  argument: "frames",
  create:
    ({ frames }) =>
    ({ positions_T }) => {
      const total = positions_T.length;
      if (total <= frames) return null;
      const kept = new Set(
        Array.from({ length: frames }, (_, i) => Math.floor(((i + 0.5) * total) / frames)),
      );
      return { shown_T: [...positions_T], dropped_T: positions_T.map((_, t) => !kept.has(t)) };
    },
});
export default plugin;
