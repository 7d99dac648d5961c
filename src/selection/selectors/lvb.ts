import { z } from "zod";
import { longVideoBench } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** LongVideoBench's rule. */
const selector: SelectorDefinition = defineSelector({
  summary: "at most one frame a second from the first frame on",
  source: "LongVideoBench",
  params,
  create: () => ({
    select: (request) => {
      const fps = request.durationSeconds > 0 ? request.timeline.length / request.durationSeconds : 1;
      return asSelection(longVideoBench(request.durationSeconds, fps, request.budget), request);
    },
  }),
});

export default selector;
