import { z } from "zod";
import { type Advantage, type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { comparativeDefaults } from "../comparative-defaults.ts";
import { meanOf, standardDeviation } from "../group-statistics.ts";

const params = z.strictObject({
  decay: z
    .number()
    .min(0)
    .max(1)
    .default(comparativeDefaults.baselineDecay.value)
    .describe("share of the old baseline kept by the moving average"),
  divideByStd: z.boolean().default(false).describe("divide by the standard deviation of r in the group"),
  epsilon: z
    .number()
    .positive()
    .default(comparativeDefaults.epsilon.value)
    .describe("added to the standard deviation"),
});

/** The comparative advantage as a function, for advantages that build on it. */
export const comparative = ({
  decay,
  divideByStd,
  epsilon,
}: {
  readonly decay: number;
  readonly divideByStd: boolean;
  readonly epsilon: number;
}): Advantage => ({
  start: { baseline: comparativeDefaults.baselineStart.value },
  compute: ({ quality_G, qualityAbsent_G, exhausted_G }, state) => {
    const r_G = quality_G.map((quality, i) => quality - qualityAbsent_G[i]!);
    const scale = divideByStd ? standardDeviation(r_G, 1) + epsilon : 1;
    const advantages_G = Float64Array.from(r_G, (r, i) =>
      exhausted_G[i] ? 0 : (r - state.baseline) / scale,
    );
    const baseline = r_G.length === 0 ? state.baseline : decay * state.baseline + (1 - decay) * meanOf(r_G);
    return { advantages_G, weights_G: new Float64Array(r_G.length).fill(1), state: { baseline } };
  },
});

/**
 * How much better the answer is with the key frames than without, against what was usual so far.
 *
 * r_i = Q(y_i, y*) - Q(y'_i, y*);  A_comp,i = r_i - b, and 0 for exhausted pairs;  then b <- d b + (1 - d) mean r
 *
 * The mean is over the whole group, exhausted pairs included, so b is the model's true success rate at discrimination.
 *
 * @source VideoPerceiver (arXiv 2511.18823), eq. (8) and (9) as reconstructed from the prose
 * @differs decay 0.9, start 0, update after use and no division are our defaults; the paper gives no values
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary: "quality on the complete clip minus quality on its absent twin, against a moving average",
  source: "VideoPerceiver (arXiv 2511.18823), eq. (8) and (9), reconstructed",
  params,
  create: comparative,
});
export default plugin;
