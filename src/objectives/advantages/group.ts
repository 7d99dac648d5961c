import { z } from "zod";
import { type Advantage, type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { comparativeDefaults } from "../comparative-defaults.ts";
import { meanOf, standardDeviation } from "../group-statistics.ts";

/** What the comparison within a group is made with. */
export interface GroupComparisonParams {
  readonly centre: "group" | "absent";
  readonly divideByStd: boolean;
  readonly epsilon: number;
}

const params = z.strictObject({
  centre: z
    .enum(["group", "absent"])
    .default("group")
    .describe("group: the mean over the group is taken off; absent: only the twin's mean quality is"),
  divideByStd: z.boolean().default(false).describe("divide by the standard deviation in the group"),
  epsilon: z
    .number()
    .positive()
    .default(comparativeDefaults.epsilon.value)
    .describe("added to the standard deviation"),
});

/** The comparison within a group as a function, for advantages that build on it. */
export const groupComparison = ({ centre, divideByStd, epsilon }: GroupComparisonParams): Advantage => ({
  start: { baseline: comparativeDefaults.baselineStart.value },
  compute: ({ quality_G, qualityAbsent_G }, state) => {
    const absent = meanOf(qualityAbsent_G);
    const d_G = quality_G.map((quality) => quality - absent);
    const mean = centre === "group" ? meanOf(d_G) : 0;
    const scale = divideByStd ? standardDeviation(d_G, 1) + epsilon : 1;
    return {
      advantages_G: Float64Array.from(d_G, (d) => (d - mean) / scale),
      weights_G: new Float64Array(d_G.length).fill(1),
      state,
    };
  },
});

/**
 * Every completion of the complete clip against what the twin's completions reach on average.
 *
 * d_i = Q(y_i, y*) - mean_j Q(y'_j, y*);  A_i = d_i - mean_j d_j
 *
 * Centred in its group the twin's mean cancels: what is left is GRPO with correctness as its reward. That is the point of
 * it as a control; `centre: absent` keeps the twin, so a group that its twin answers as well gets nothing.
 *
 * @source ours; VideoPerceiver (arXiv 2511.18823), eq. (8), with the group's mean in the place of single pairs
 * @differs no moving baseline, no pairing of single completions
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary: "quality of each completion minus the twin's mean quality, centred in the group",
  source: "ours, after VideoPerceiver eq. (8)",
  params,
  create: groupComparison,
});
export default plugin;
