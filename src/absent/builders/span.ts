import { z } from "zod";
import { basinOf } from "../../selection/basin.ts";
import { type BuilderDefinition, defineBuilder, type PositionReplacement } from "../builders.ts";
import { highestPositions, positionsInSpans, replacedRuns } from "../stretches.ts";

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
  mostShare: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      "share of the clip at most: instead of basins, the frames that stand out most; known events go whole, whatever their share",
    ),
});

/** Takes away the whole event around a key frame, not only its strongest frame. */
const span: BuilderDefinition = defineBuilder({
  summary:
    "the whole basin around every key frame, or the highest share of the clip (mostShare), shows the last frame before it",
  source: "ours",
  params,
  create: ({ heightShare, firstFrame, mostShare }) => ({
    keepsToSpans: mostShare !== undefined,
    replace: (input) => {
      const { keyFrames, timeline, curve, spans } = input;
      if (mostShare !== undefined)
        return replacedRuns(
          spans === undefined ? highestPositions(input, mostShare) : positionsInSpans(timeline, spans),
          firstFrame,
        );
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
