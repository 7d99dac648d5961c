import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const plugin: InterventionPlugin = defineIntervention({
  summary: "frames backwards, times in place",
  source: "direction control, pixels only",
  tells: "whether the direction of time is used",
  params: z.strictObject({}),
  create:
    () =>
    ({ positions_T }) => ({ shown_T: [...positions_T].reverse() }),
});
export default plugin;
