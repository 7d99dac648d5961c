import { z } from "zod";
import { mul, negate } from "../../graph/ops/elementwise.ts";
import { sum } from "../../graph/ops/reduce.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

/**
 * Next-token cross-entropy over the supervised tokens.
 *
 * loss = -sum_m w_m log p(target_m)
 *
 * The feed `weights` [M] is >= 0 and sums to 1 over a batch (collation divides by the number of supervised tokens, so
 * padding weighs nothing and accumulated batches add up). In nats; 0 when nothing is supervised.
 *
 * @source next-token SFT term of VideoPerceiver eq. (7)
 */
const plugin: LossPlugin = defineLoss({
  summary: "next-token cross-entropy (SFT)",
  source: "VideoPerceiver eq. (7), first term",
  params: z.strictObject({}),
  create: () => ({
    key: "cross-entropy",
    states: [],
    feeds: { weights: ["scored"] },
    additive: true,
    build: ({ tokenLogprobs, feed }) => {
      const loss = negate(sum(mul(feed("weights"), tokenLogprobs)));
      return { loss, metrics: { crossEntropy: loss } };
    },
  }),
});

export default plugin;
