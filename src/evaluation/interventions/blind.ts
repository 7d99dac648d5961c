import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const params = z.strictObject({
  pictures: z
    .enum(["none", "blank"])
    .default("none")
    .describe("none: no video in the prompt; blank: as many blank pictures as there were frames"),
});

const plugin: InterventionPlugin = defineIntervention({
  summary: "no pictures: the question alone",
  source: "standard language-prior control",
  tells: "what the question gives away",
  params,
  create:
    ({ pictures }) =>
    ({ positions_T }) => ({
      shown_T: positions_T.map(() => null),
      ...(pictures === "none" ? { withoutVideo: true as const } : {}),
    }),
});
export default plugin;
