import { z } from "zod";
import { type BuilderDefinition, defineBuilder } from "../builders.ts";
import { replaceByPrevious } from "../previous-frame.ts";

const params = z.strictObject({
  among: z
    .enum(["all", "others"])
    .default("all")
    .describe("draw from all frames, or only from frames that are not key; the first frame is never drawn"),
});

/** As many random frames as there are replaceable key frames; the control of the paper's ablation A. */
const random: BuilderDefinition = defineBuilder({
  summary:
    "as many random frames show the frame before them (ablation A and the control of every measurement)",
  source: "VideoPerceiver (arXiv 2511.18823), ablation A",
  params,
  create: ({ among }) => ({
    replace: ({ keyFrames, timeline, random: generator }) => {
      const wanted = keyFrames.filter((position) => position > 0).length;
      const excluded = new Set(among === "others" ? keyFrames : []);
      const candidates: number[] = [];
      for (let position = 1; position < timeline.length; position++)
        if (!excluded.has(position)) candidates.push(position);
      const drawn = generator.shuffled(candidates).slice(0, wanted);
      return replaceByPrevious(
        drawn.sort((a, b) => a - b),
        timeline.length,
        "keep",
      );
    },
  }),
});

export default random;
