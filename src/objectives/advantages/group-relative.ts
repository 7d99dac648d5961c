import { z } from "zod";
import { type Advantage, type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { comparativeDefaults } from "../comparative-defaults.ts";
import { meanOf, standardDeviation } from "../group-statistics.ts";

const params = z.strictObject({
  divideByStd: z.boolean().default(true).describe("divide by the group's standard deviation"),
  epsilon: z
    .number()
    .positive()
    .default(comparativeDefaults.epsilon.value)
    .describe("added to the standard deviation"),
  freedom: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe("subtracted from G in the standard deviation (1: as in TRL)"),
});

/** The group-relative advantage as a function, for advantages that build on it. */
export const groupRelative = ({
  divideByStd,
  epsilon,
  freedom,
}: {
  readonly divideByStd: boolean;
  readonly epsilon: number;
  readonly freedom: 0 | 1;
}): Advantage => ({
  start: { baseline: comparativeDefaults.baselineStart.value },
  compares: false,
  compute: ({ rewards_G }, state) => {
    const mean = meanOf(rewards_G);
    const scale = divideByStd ? standardDeviation(rewards_G, freedom) + epsilon : 1;
    return {
      advantages_G: Float64Array.from(rewards_G, (reward) => (reward - mean) / scale),
      weights_G: new Float64Array(rewards_G.length).fill(1),
      state,
    };
  },
});

/**
 * How much better a completion's base reward is than its group's.
 *
 * A_i = (R_i - mean R) / (std R + eps)
 *
 * Equal rewards give exactly 0. Without `divideByStd` the divisor is 1 (Dr. GRPO).
 *
 * @source DeepSeekMath (arXiv 2402.03300), GRPO; VideoPerceiver (arXiv 2511.18823), base advantage
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary: "base reward against the group's mean, in standard deviations (GRPO)",
  source: "DeepSeekMath (arXiv 2402.03300), GRPO",
  params,
  create: groupRelative,
});
export default plugin;
