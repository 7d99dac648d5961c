import { z } from "zod";
import { segmentMiddles } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params: z.ZodObject = z.strictObject({});

/** middles of equal segments. */
const selector: SelectorDefinition<typeof params> = defineSelector({
  summary: "middles of equal segments",
  source: "MVBench, MLVU, InternVL",
  params,
  create: () => ({
    select: (request) => asSelection(segmentMiddles(request.timeline.length, request.budget), request),
  }),
});

export default selector;
