import { z } from "zod";
import { linspaceRound } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** first to last frame in equal float32 steps, rounded half to even. */
const selector: SelectorDefinition = defineSelector({
  summary: "first to last frame in equal float32 steps, rounded half to even",
  source: "qwen-vl-utils",
  params,
  create: () => ({
    select: (request) => asSelection(linspaceRound(request.timeline.length, request.budget), request),
  }),
});

export default selector;
