import { z } from "zod";
import { type Advantage, type AdvantageGroup, type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { comparativeDefaults } from "../comparative-defaults.ts";
import { meanOf, standardDeviation } from "../group-statistics.ts";

/** What a comparison against the moving baseline is made with. */
export interface BaselineParams {
  readonly decay: number;
  readonly divideByStd: boolean;
  readonly epsilon: number;
}

/** Checks and defaults of {@link BaselineParams}. */
export const baselineParams: z.ZodObject<{
  decay: z.ZodDefault<z.ZodNumber>;
  divideByStd: z.ZodDefault<z.ZodBoolean>;
  epsilon: z.ZodDefault<z.ZodNumber>;
}> = z.strictObject({
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

/**
 * r_i = Q(y_i, y*) - Q(y'_i, y*) against the moving baseline b; then b <- d b + (1 - d) mean r. The mean is over the
 * whole group, exhausted pairs included, so b is the model's true success rate at discrimination.
 *
 * @param advantageOf the advantage of a pair from r - b
 */
export const againstBaseline = (
  { decay, divideByStd, epsilon }: BaselineParams,
  advantageOf: (difference: number, group: AdvantageGroup, i: number) => number,
): Advantage => ({
  start: { baseline: comparativeDefaults.baselineStart.value },
  compute: (group, state) => {
    const r_G = group.quality_G.map((quality, i) => quality - group.qualityAbsent_G[i]!);
    const scale = divideByStd ? standardDeviation(r_G, 1) + epsilon : 1;
    const advantages_G = Float64Array.from(r_G, (r, i) => advantageOf(r - state.baseline, group, i) / scale);
    const baseline = r_G.length === 0 ? state.baseline : decay * state.baseline + (1 - decay) * meanOf(r_G);
    return { advantages_G, weights_G: new Float64Array(r_G.length).fill(1), state: { baseline } };
  },
});

/** The comparative advantage as a function, for advantages that build on it. */
export const comparative = (params: BaselineParams): Advantage =>
  againstBaseline(params, (difference, { exhausted_G }, i) =>
    exhausted_G[i] === true ? 0 : Math.max(0, difference),
  );

/**
 * How much better the answer is with the key frames than without, against what was usual so far.
 *
 * r_i = Q(y_i, y*) - Q(y'_i, y*);  A_comp,i = max(0, r_i - b), and 0 for exhausted pairs
 *
 * It only ever copies winners: nothing here is below 0. `centred` punishes losers as well.
 *
 * @source VideoPerceiver (arXiv 2511.18823), eq. (8) and (9) as reconstructed from the prose
 * @differs decay 0.9, start 0, update after use and no division are our defaults; the paper gives no values. The
 * reconstructed r - b is cut at 0: otherwise a winner with 0 < r < b is punished while a loser, exhausted, is not
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary:
    "quality on the complete clip minus quality on its absent twin, against a moving average; winners only",
  source: "VideoPerceiver (arXiv 2511.18823), eq. (8) and (9), reconstructed",
  params: baselineParams,
  create: comparative,
});
export default plugin;
