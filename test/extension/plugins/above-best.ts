import { type AdvantagePlugin, defineAdvantage, z } from "videoperceiver/plugins";

/** Each completion against the best that was seen so far, so that only records are pushed up. */
const aboveBest: AdvantagePlugin = defineAdvantage({
  summary: "how far a completion's base reward lies above the best so far",
  source: "ours",
  params: z.strictObject({
    start: z.number().default(0).describe("best before the first group, reward units"),
  }),
  create: ({ start }) => ({
    start: { baseline: start },
    compute: ({ rewards_G }, { baseline }) => ({
      advantages_G: Float64Array.from(rewards_G, (reward) => reward - baseline),
      weights_G: new Float64Array(rewards_G.length).fill(1),
      state: { baseline: Math.max(baseline, ...rewards_G) },
    }),
  }),
});

export default aboveBest;
