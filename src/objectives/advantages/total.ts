import { z } from "zod";
import { type AdvantagePlugin, defineAdvantage } from "../advantages.ts";
import { comparativeDefaults } from "../comparative-defaults.ts";
import { centred } from "./centred.ts";
import { comparative } from "./comparative.ts";
import { groupComparison } from "./group.ts";
import { groupRelative } from "./group-relative.ts";

const params = z.strictObject({
  lambda: z
    .number()
    .min(0)
    .default(comparativeDefaults.lambda.value)
    .describe("weight of the comparative advantage; 0 is plain GRPO"),
  comparison: z
    .enum(["comparative", "centred", "group"])
    .default("comparative")
    .describe("which comparison: winners only (the paper's, reconstructed), every pair, or within the group"),
  decay: z
    .number()
    .min(0)
    .max(1)
    .default(comparativeDefaults.baselineDecay.value)
    .describe("see comparative"),
  divideComparativeByStd: z.boolean().default(false).describe("see comparative"),
  divideBaseByStd: z.boolean().default(true).describe("see group-relative"),
  epsilon: z
    .number()
    .positive()
    .default(comparativeDefaults.epsilon.value)
    .describe("added to standard deviations"),
  onExhausted: z
    .enum(["baseOnly", "drop"])
    .default(comparativeDefaults.onExhausted.value)
    .describe("an exhausted pair keeps its base advantage, or leaves the loss"),
});

/**
 * The advantage of Comparative GRPO.
 *
 * A_i = A_base,i + lambda A_comp,i, with A_comp one of `comparative`, `centred`, `group`
 *
 * With lambda = 0 it is plain GRPO to the last bit: exhausted pairs are not dropped then, since nothing was compared.
 *
 * @source VideoPerceiver (arXiv 2511.18823), eq. (10) as reconstructed; lambda is our default
 */
const plugin: AdvantagePlugin = defineAdvantage({
  summary: "group-relative advantage plus lambda times the comparative one (Comparative GRPO)",
  source: "VideoPerceiver (arXiv 2511.18823), eq. (10), reconstructed",
  params,
  create: (given) => {
    const { lambda, comparison, decay, divideComparativeByStd, divideBaseByStd, epsilon, onExhausted } =
      given;
    const base = groupRelative({ divideByStd: divideBaseByStd, epsilon, freedom: 1 });
    const against = { decay, divideByStd: divideComparativeByStd, epsilon };
    const compared = {
      comparative: () => comparative(against),
      centred: () => centred(against),
      group: () => groupComparison({ ...against, centre: "group" }),
    }[comparison]();
    return {
      start: compared.start,
      compares: lambda > 0,
      compute: (group, state) => {
        const plain = base.compute(group, state);
        const beside = compared.compute(group, state);
        if (lambda === 0) return { ...plain, state: beside.state };
        const dropped = (i: number): boolean => onExhausted === "drop" && group.exhausted_G[i] === true;
        return {
          advantages_G: plain.advantages_G.map((advantage, i) =>
            dropped(i) ? 0 : advantage + lambda * beside.advantages_G[i]!,
          ),
          weights_G: plain.weights_G.map((weight, i) => (dropped(i) ? 0 : weight)),
          state: beside.state,
        };
      },
    };
  },
});
export default plugin;
