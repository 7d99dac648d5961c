import { z } from "zod";
import { basinOf } from "../../selection/basin.ts";
import { type BuilderDefinition, defineBuilder, type PositionReplacement } from "../builders.ts";

const params = z.strictObject({
  heightShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      "frames above this share of the way from the valley to the peak belong to the span; 0: whole basin",
    ),
  firstFrame: z
    .enum(["keep", "successor"])
    .default("successor")
    .describe("a span at the beginning of the clip stays or shows the first frame behind it"),
});

/** Takes away the whole event around a key frame, not only its strongest frame. */
const span: BuilderDefinition = defineBuilder({
  summary: "the whole basin around every key frame shows the last frame before it",
  source: "ours",
  params,
  create: ({ heightShare, firstFrame }) => ({
    replace: ({ keyFrames, timeline, curve }) => {
      const replacements: PositionReplacement[] = [];
      let next = 0;
      for (const peak of keyFrames) {
        const { first, last } = basinOf(curve, peak, heightShare);
        const start = Math.max(first, next);
        let from = start - 1;
        if (from < 0) from = firstFrame === "successor" ? last + 1 : -1;
        if (from >= 0 && from < timeline.length)
          for (let position = start; position <= last; position++) replacements.push({ position, from });
        next = last + 1;
      }
      return replacements;
    },
  }),
});

export default span;
