import { z } from "zod";
import { type BuilderDefinition, defineBuilder } from "../builders.ts";
import { replaceByPrevious } from "../previous-frame.ts";

const params = z.strictObject({
  firstFrame: z
    .enum(["keep", "successor"])
    .default("keep")
    .describe("a decisive first frame stays (paper) or shows the second frame"),
});

/** The paper's builder. */
const previousFrame: BuilderDefinition = defineBuilder({
  summary: "every key frame shows the frame before it",
  source: "VideoPerceiver (arXiv 2511.18823), v'_i = v_{i-1}; firstFrame: successor is ours",
  params,
  create: ({ firstFrame }) => ({
    replace: ({ keyFrames, timeline }) => replaceByPrevious(keyFrames, timeline.length, firstFrame),
  }),
});

export default previousFrame;
