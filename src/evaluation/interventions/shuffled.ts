import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

const params = z.strictObject({
  what: z
    .enum(["pixels", "times", "both"])
    .default("pixels")
    .describe(
      "pixels: pictures change places, times stay; times: the times that are told; both: each picture with its time",
    ),
});

/** Any order but the true one, uniformly. Two frames or more are needed; times are shown to subjects that are told them. */
const plugin: InterventionPlugin = defineIntervention({
  summary: "frames in random order: their pixels, the times told, or both",
  source: "frame-order controls, kept apart as arXiv 2607.12304 asks",
  tells: "whether the order of pictures is used",
  draws: () => true,
  params,
  argument: "what",
  create:
    ({ what }) =>
    ({ positions_T, random }) => {
      if (new Set(positions_T).size < 2) return null;
      const places = positions_T.map((_, t) => t);
      const isTrue = (order: readonly number[]): boolean =>
        order.every((from, t) => positions_T[from] === positions_T[t]);
      let order = random.shuffled(places);
      while (isTrue(order)) order = random.shuffled(places);
      const moved = order.map((from) => positions_T[from]!);
      if (what === "pixels") return { shown_T: moved };
      if (what === "times") return { shown_T: [...positions_T], toldAs_T: order };
      return { shown_T: moved, toldAs_T: order };
    },
});
export default plugin;
