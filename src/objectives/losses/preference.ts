/** Legend: P pairs of a step, M scored tokens. */
import { z } from "zod";
import type { Signals } from "../../graph/objective.ts";
import { reshape } from "../../graph/ops/broadcast.ts";
import { lessOrEqual, mul, negate, oneMinus, scale, sub } from "../../graph/ops/elementwise.ts";
import { concat } from "../../graph/ops/layout.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import { logSumExp, sum } from "../../graph/ops/reduce.ts";
import type { Value } from "../../graph/value.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

const params = z.strictObject({
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe("how far the policy may go from its reference: larger, nearer"),
  pairs: z.number().int().min(1).default(1).describe("pairs of a step at most; the loop knows it"),
});

/** -log sigmoid(x) = log(e^0 + e^-x), for any x. */
const negativeLogSigmoid = (x_P: Value): Value => {
  const column = reshape(x_P, [x_P.shape[0]!, 1]);
  return logSumExp(concat([scale(column, 0), negate(column)], 1));
};

const build = (
  { tokenLogprobs, feed }: Signals,
  { beta }: z.output<typeof params>,
): { loss: Value; metrics: Record<string, Value> } => {
  const logprobs_M = mul(feed("weights"), tokenLogprobs);
  const sumOf = (members_PM: Value): Value => {
    const [pairs, tokens] = members_PM.shape;
    return reshape(matmul(members_PM, reshape(logprobs_M, [tokens!, 1])), [pairs!]);
  };
  const chosen = scale(sub(sumOf(feed("chosen")), feed("referenceChosen")), beta);
  const rejected = scale(sub(sumOf(feed("rejected")), feed("referenceRejected")), beta);
  const margin = sub(chosen, rejected);
  const mean = (x_P: Value): Value => sum(mul(feed("pairWeights"), x_P));
  return {
    loss: mean(negativeLogSigmoid(margin)),
    metrics: {
      rewardChosen: mean(chosen),
      rewardRejected: mean(rejected),
      margin: mean(margin),
      accuracy: mean(oneMinus(lessOrEqual(margin, scale(margin, 0)))),
    },
  };
};

/**
 * Direct preference optimisation: the better answer of each pair gains on the worse one, against the reference.
 *
 * loss = -sum_p w_p log sigmoid( beta ( (log pi(c_p) - log ref(c_p)) - (log pi(r_p) - log ref(r_p)) ) )
 *
 * log pi of an answer is the sum of its tokens' log-probabilities, in nats. What is chosen and what is rejected may differ in
 * the answer, in the clip that it is about, or in both. Metrics: the two implicit rewards beta (log pi - log ref), their
 * difference `margin`, and `accuracy`, the share of pairs with a margin above 0, each weighted as the loss is.
 *
 * Feeds: `chosen` and `rejected` [P, M], 1 where a token is of that side of a pair; `weights` [M], 1, and 0 at padding;
 * `referenceChosen` and `referenceRejected` [P], the reference's log-probabilities of whole answers; `pairWeights` [P], which
 * sum to 1 (0: a place without a pair).
 *
 * @source Rafailov et al. 2023 (DPO), eq. (7)
 * @differs the two sides may show different clips, as ms-swift's `rejected_videos` do
 */
const plugin: LossPlugin = defineLoss({
  summary: "DPO: the better of two answers, or clips, gains on the worse one against the reference",
  source: "Rafailov et al. 2023, eq. (7)",
  params,
  create: (given) => ({
    key: `preference ${given.beta} ${given.pairs}`,
    states: [],
    feeds: {
      weights: ["scored"],
      chosen: [given.pairs, "scored"],
      rejected: [given.pairs, "scored"],
      referenceChosen: [given.pairs],
      referenceRejected: [given.pairs],
      pairWeights: [given.pairs],
    },
    additive: false,
    build: (signals) => build(signals, given),
  }),
});

export default plugin;
