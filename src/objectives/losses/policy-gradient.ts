import { z } from "zod";
import { add, addScalar, clip, exp, minimum, mul, negate, scale, sub } from "../../graph/ops/elementwise.ts";
import { sum } from "../../graph/ops/reduce.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

/**
 * GRPO's clipped policy-gradient loss with a KL penalty to the reference policy. With r_m = p(y_m) / p_old(y_m):
 *
 * loss = -sum_m w_m min( r_m A_m, clip(r_m, 1 - eps, 1 + eps) A_m ) + beta sum_m w_m k_m
 * k_m  = p_ref/p - log(p_ref/p) - 1, at p of the drawn token (>= 0)
 *
 * Feeds, one number a scored token [M]: `advantages` (the completion's, repeated), `oldLogprobs` and
 * `referenceLogprobs` (nats), `weights` (collation makes them 1 / (completions * tokens of the completion), so every
 * completion counts the same, and 0 at padding).
 *
 * @source Shao et al. 2024 (GRPO) eq. (3) and its KL estimator; VideoPerceiver uses GRPO's group objective
 * @differs clip 0.2 and beta 0.04 are our defaults, the paper gives none
 */
const plugin: LossPlugin = defineLoss({
  summary: "GRPO's clipped policy gradient with KL to the reference",
  source: "Shao et al. 2024, eq. (3)",
  params: z.strictObject({
    clip: z.number().positive().default(0.2).describe("largest deviation of the probability ratio from 1"),
    beta: z.number().min(0).default(0.04).describe("weight of the KL penalty; 0: none"),
  }),
  create: ({ clip: epsilon, beta }) => ({
    key: `policy-gradient ${epsilon} ${beta}`,
    states: [],
    feeds: {
      weights: ["scored"],
      advantages: ["scored"],
      oldLogprobs: ["scored"],
      ...(beta === 0 ? {} : { referenceLogprobs: ["scored"] }),
    },
    additive: true,
    build: ({ tokenLogprobs, feed }) => {
      const [weights, advantages] = [feed("weights"), feed("advantages")];
      const ratio = exp(sub(tokenLogprobs, feed("oldLogprobs")));
      const surrogate = minimum(
        mul(ratio, advantages),
        mul(clip(ratio, 1 - epsilon, 1 + epsilon), advantages),
      );
      const policy = negate(sum(mul(weights, surrogate)));
      if (beta === 0) return { loss: policy, metrics: { policy } };
      const reference = sub(feed("referenceLogprobs"), tokenLogprobs);
      const kl = sum(mul(weights, addScalar(sub(exp(reference), reference), -1)));
      return { loss: add(policy, scale(kl, beta)), metrics: { policy, kl } };
    },
  }),
});

export default plugin;
