import { z } from "zod";
import { absentView, defineIntervention, type InterventionPlugin } from "../interventions.ts";

/** The sample's own replacements, read through the positions; null without an absent twin. */
const plugin: InterventionPlugin = defineIntervention({
  summary: "the key-information-absent twin of the clip",
  source: "VideoPerceiver (arXiv 2511.18823), key-absent video",
  tells: "what is left without the decisive frames",
  params: z.strictObject({}),
  create: () => absentView,
});
export default plugin;
