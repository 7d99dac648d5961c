import type { MetricsRow, RolloutRecord } from "../../src/runs/run-folder.ts";

/** Numbers below are rounding: an advantage, a term of the loss, a norm of a gradient that was 0. */
const nothing = 1e-6;

/**
 * What a run of Comparative GRPO does not show, in words; undefined for one whose policy gradient was computed and trained.
 * In the first step the model is the reference still, and the reference's term has no gradient: the norm is the policy's
 * alone.
 *
 * @param metrics rows of steps with one update each, from step 1
 */
export const policyFault = (
  metrics: readonly MetricsRow[],
  rollouts: readonly RolloutRecord[],
): string | undefined => {
  const advantages = rollouts.flatMap(({ complete }) =>
    complete.map((one) => one.advantages?.["total"] ?? 0),
  );
  const count = `${rollouts.length} groups`;
  if (!advantages.some((one) => one > nothing) || !advantages.some((one) => one < -nothing))
    return `no advantages above and below 0 in ${count}: rewards do not differ`;
  if (!metrics.some((row) => Math.abs(row["policy"] ?? 0) > nothing))
    return `the policy term of the loss is 0 in all of ${metrics.length} steps`;
  const first = metrics[0];
  if (first?.step !== 1) return `expected step 1 first; got ${first?.step ?? "no step"}`;
  const norm = first["gradientNorm"] ?? 0;
  return norm > nothing ? undefined : `no policy gradient: the norm of step 1 is ${norm}`;
};
