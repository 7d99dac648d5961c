import { z } from "zod";
import { arangeTrunc } from "../frame-conventions.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** beginnings of equal parts, truncated. */
const selector: SelectorDefinition = defineSelector({
  summary: "beginnings of equal parts, truncated",
  source: "VRU-Accident (Qwen and LLaVA scripts)",
  params,
  create: () => ({
    select: (request) => asSelection(arangeTrunc(request.timeline.length, request.budget), request),
  }),
});

export default selector;
