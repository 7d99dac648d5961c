import { z } from "zod";
import { indicesForCount } from "../../video/timeline.ts";
import { asSelection, defineSelector, type SelectorDefinition } from "../selectors.ts";

const params = z.strictObject({});

/** Equal spans of true time. */
const uniform: SelectorDefinition = defineSelector({
  summary: "the frames shown at the middles of equal spans of true time",
  source: "ours",
  params,
  create: () => ({
    select: (request) => {
      const { timeline, budget, durationSeconds } = request;
      return asSelection(indicesForCount(timeline, budget, undefined, durationSeconds), request);
    },
  }),
});

export default uniform;
