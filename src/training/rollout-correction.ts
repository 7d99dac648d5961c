/**
 * What becomes of the difference between the program that draws completions and the one that trains on them.
 *
 * Legend: m a scored token, b its log-probability by the program that drew it, p by the one that trains, nats.
 */
import { RunError } from "../core/errors.ts";
import { meanOf } from "../objectives/group-statistics.ts";
import type { PolicyFeeds } from "./policy-batches.ts";

/** How much difference is borne, and how it is made up for. */
export interface RolloutCorrection {
  /** Largest weight of a token. */
  readonly cap: number;
  /** Mean |p - b| beyond which a run stops. */
  readonly mostDifference: number;
}

/**
 * Corrects for tokens that were drawn from b and are learnt as if from p: the weight of each is multiplied by
 * min(exp(p - b), cap), and p takes the place of b as the log-probability before the update.
 *
 * @param places of the tokens that were drawn, among all scored rows; the others are padding
 * @param trainer p of every scored row
 * @returns feeds, and metrics: `rolloutDifference` and `rolloutDifferenceMost` are the mean and largest |p - b|,
 * `rolloutWeight` the mean weight, `rolloutCapped` the share of tokens whose weight was cut
 * @source token-level truncated importance sampling: Ionides 2008; Yao et al. 2025 for roll-outs by other programs
 * @throws {RunError} when the mean difference is too large: the two do not compute the same model
 */
export const correctedFeeds = (
  feeds: PolicyFeeds,
  places: readonly number[],
  trainer: Float32Array,
  { cap, mostDifference }: RolloutCorrection,
): { readonly feeds: PolicyFeeds; readonly metrics: Readonly<Record<string, number>> } => {
  const weights = feeds.weights.slice();
  const off = places.map((m) => trainer[m]! - feeds.oldLogprobs[m]!);
  const ratios = off.map((difference) => Math.min(Math.exp(difference), cap));
  places.forEach((m, i) => {
    weights[m]! *= ratios[i]!;
  });
  const sizes = off.map(Math.abs);
  const mean = meanOf(sizes);
  if (!(mean <= mostDifference))
    throw new RunError("roll-outs of another model than the trained one", {
      expected: `log-probabilities at most ${mostDifference} nats a token apart, on average`,
      got: mean.toPrecision(3),
      hint: "the server must have the run's checkpoint and --logprobs-mode processed_logprobs; see docs/torch.md",
    });
  return {
    feeds: { ...feeds, weights, oldLogprobs: trainer },
    metrics: {
      rolloutDifference: mean,
      rolloutDifferenceMost: sizes.reduce((most, size) => Math.max(most, size), 0),
      rolloutWeight: meanOf(ratios),
      rolloutCapped: off.filter((difference) => Math.exp(difference) > cap).length / off.length,
    },
  };
};
