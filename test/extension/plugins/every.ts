import { defineSelector, type SelectorDefinition, z } from "videoperceiver/plugins";

/** Every so many frames: a selector that somebody else wrote. */
const every: SelectorDefinition = defineSelector({
  summary: "every step-th frame from the first on, the first ones of the budget",
  source: "a test",
  params: z.strictObject({ step: z.number().int().min(1).default(2).describe("frames") }),
  argument: "step",
  create: ({ step }) => ({
    select: ({ timeline, budget }) =>
      timeline.flatMap(({ index }, at) => (at % step === 0 ? [index as number] : [])).slice(0, budget),
  }),
});

export default every;
