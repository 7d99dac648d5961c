import { z } from "zod";
import { innerPoints } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** inner points of equal parts, truncated. */
const selector: SelectorDefinition = defineSelector({
  summary: "inner points of equal parts, truncated",
  source: "VLMEvalKit",
  params,
  create: () => ({
    select: (request) => asSelection(innerPoints(request.timeline.length, request.budget), request),
  }),
});

export default selector;
