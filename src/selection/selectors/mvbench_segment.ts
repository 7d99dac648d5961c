import { z } from "zod";
import { segmentMiddles } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** middles of equal segments. */
const selector: SelectorDefinition = defineSelector({
  summary: "middles of equal segments",
  source: "MVBench, MLVU, InternVL",
  params,
  create: () => ({
    select: (request) => asSelection(segmentMiddles(request.timeline.length, request.budget), request),
  }),
});

export default selector;
