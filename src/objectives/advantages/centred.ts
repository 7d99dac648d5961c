import type { Advantage } from "../advantages.ts";
import { type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { againstBaseline, type BaselineParams, baselineParams } from "./comparative.ts";

/** The centred comparison as a function, for advantages that build on it. */
export const centred = (params: BaselineParams): Advantage =>
  againstBaseline(params, (difference) => difference);

/**
 * The comparison for every pair, winners and losers alike, exhausted ones too.
 *
 * r_i = Q(y_i, y*) - Q(y'_i, y*);  A_comp,i = r_i - b
 *
 * @source ours; VideoPerceiver (arXiv 2511.18823), eq. (9), without the exception for exhausted pairs
 * @differs a pair that goes on losing is punished: the paper takes its gradient out
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary:
    "quality on the complete clip minus quality on its absent twin, against a moving average; every pair",
  source: "ours, after VideoPerceiver eq. (9)",
  params: baselineParams,
  create: centred,
});
export default plugin;
