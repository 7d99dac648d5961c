import { z } from "zod";
import {
  add,
  addScalar,
  clip,
  exp,
  lessOrEqual,
  minimum,
  mul,
  negate,
  oneMinus,
  scale,
  sub,
} from "../../graph/ops/elementwise.ts";
import { sum } from "../../graph/ops/reduce.ts";
import type { Value } from "../../graph/value.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

/** Largest |log(p_ref/p)| of a token: its exponential and gradient stay finite in float32. */
const klLimit = 20;

/**
 * GRPO's clipped policy-gradient loss with a KL penalty to the reference policy. With r_m = p(y_m) / p_old(y_m):
 *
 * loss = -sum_m w_m min( r_m A_m, clip(r_m, 1 - eps, 1 + eps) A_m ) + beta sum_m w_m k_m
 * k_m  = p_ref/p - log(p_ref/p) - 1, at p of the drawn token (>= 0)
 *
 * The minimum alone does not bound a token whose advantage is negative and whose ratio has run away; `largestRatio` does.
 * Metrics, weighted as the loss is: `clippedShare` where the clip took the gradient away, `ratioMean`, and
 * `ratioVariance`, the mean of (r - 1)^2.
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
    largestRatio: z
      .number()
      .min(1)
      .default(10)
      .describe("a ratio beyond it or its inverse is cut off and has no gradient, whatever its advantage"),
    beta: z.number().min(0).default(0.04).describe("weight of the KL penalty; 0: none"),
  }),
  create: ({ clip: epsilon, beta, largestRatio }) => ({
    key: `policy-gradient ${epsilon} ${beta} ${largestRatio}`,
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
      const limit = Math.log(largestRatio);
      const ratio = exp(clip(sub(tokenLogprobs, feed("oldLogprobs")), -limit, limit));
      const straight = mul(ratio, advantages);
      const clipped = mul(clip(ratio, 1 - epsilon, 1 + epsilon), advantages);
      const weighted = (x: Value): Value => sum(mul(weights, x));
      const policy = negate(weighted(minimum(straight, clipped)));
      const off = addScalar(ratio, -1);
      const metrics = {
        policy,
        clippedShare: weighted(oneMinus(lessOrEqual(straight, clipped))),
        ratioMean: weighted(ratio),
        ratioVariance: weighted(mul(off, off)),
      };
      if (beta === 0) return { loss: policy, metrics };
      const reference = clip(sub(feed("referenceLogprobs"), tokenLogprobs), -klLimit, klLimit);
      const kl = weighted(addScalar(sub(exp(reference), reference), -1));
      return { loss: add(policy, scale(kl, beta)), metrics: { ...metrics, kl } };
    },
  }),
});

export default plugin;
