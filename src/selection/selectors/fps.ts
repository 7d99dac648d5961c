import { z } from "zod";
import { indicesForFps } from "../../video/timeline.ts";
import { linspaceTrunc } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({
  fps: z.number().positive().default(1).describe("frames per second of true time"),
});

/** A rate in true time. */
const fps: SelectorDefinition = defineSelector({
  summary: "so many frames per second of true time; thinned evenly when that is over the budget",
  source: "ours",
  params,
  create: (checked) => ({
    select: (request) => {
      const positions = indicesForFps(request.timeline, checked.fps);
      const thinned =
        positions.length <= request.budget
          ? positions
          : linspaceTrunc(positions.length, request.budget).map((at) => positions[at]!);
      return asSelection(thinned, request);
    },
  }),
});

export default fps;
