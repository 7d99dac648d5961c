import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const plugin: InterventionPlugin = defineIntervention({
  summary: "the clip as it is",
  source: "reference of every comparison",
  tells: "the reference",
  params: z.strictObject({}),
  create:
    () =>
    ({ positions_T }) => ({ shown_T: positions_T }),
});
export default plugin;
