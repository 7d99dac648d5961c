import { z } from "zod";
import { linspaceTrunc } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** first to last frame in equal steps, truncated. */
const selector: SelectorDefinition = defineSelector({
  summary: "first to last frame in equal steps, truncated",
  source: "lmms-eval, VRU-Accident, VSI-Bench",
  params,
  create: () => ({
    select: (request) => asSelection(linspaceTrunc(request.timeline.length, request.budget), request),
  }),
});

export default selector;
