import { normalQuantile, studentQuantile } from "./distributions.ts";
import type { Estimate, IntervalOptions } from "./estimate.ts";

/** One number of one question, and the clip it belongs to. */
export interface ClusteredValue {
  readonly cluster: string;
  readonly value: number;
}

const meanOfValues = (values: readonly ClusteredValue[]): number =>
  values.reduce((sum, { value }) => sum + value, 0) / values.length;

/** Sum of deviations from the mean within each cluster. */
const clusterResiduals = (values: readonly ClusteredValue[], mean: number): number[] => {
  const sums = new Map<string, number>();
  for (const { cluster, value } of values) sums.set(cluster, (sums.get(cluster) ?? 0) + value - mean);
  return [...sums.values()];
};

/**
 * Cluster-robust standard error of a mean: sqrt(sum_c (sum_{i in c} (s_i - mean))^2) / n. 0 for no values.
 *
 * @source Miller 2024 (arXiv 2411.00640), without its small-sample term; golden .240027 for 111|000|101
 */
export const clusteredStandardError = (values: readonly ClusteredValue[]): number => {
  if (values.length === 0) return 0;
  const residuals = clusterResiduals(values, meanOfValues(values));
  return Math.sqrt(residuals.reduce((sum, residual) => sum + residual * residual, 0)) / values.length;
};

/** Standard error if every question stood alone: sample standard deviation / sqrt(n). */
export const naiveStandardError = (values: readonly ClusteredValue[]): number => {
  if (values.length < 2) return 0;
  const mean = meanOfValues(values);
  const squares = values.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
};

const clip = (value: number, [low, high]: readonly [number, number]): number =>
  Math.min(high, Math.max(low, value));
const UNBOUNDED = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/**
 * A mean with an interval that allows for questions of one clip being alike: mean +- t_(C-1) * SE * sqrt(C / (C - 1)) for C
 * clusters. With fewer than two clusters nothing is known: the interval is the whole of `bounds`.
 *
 * @returns null for no values
 * @source cluster-robust variance with the usual C / (C - 1) correction and Student quantile
 */
export const clusteredMean = (
  values: readonly ClusteredValue[],
  options: IntervalOptions = {},
): Estimate | null => {
  if (values.length === 0) return null;
  const { level = 0.95, bounds = UNBOUNDED } = options;
  const value = meanOfValues(values);
  const clusters = new Set(values.map(({ cluster }) => cluster)).size;
  const counts = { questions: values.length, clusters };
  if (clusters < 2) return { value, standardError: 0, low: bounds[0], high: bounds[1], ...counts };
  const standardError = clusteredStandardError(values) * Math.sqrt(clusters / (clusters - 1));
  const reach = studentQuantile(1 - (1 - level) / 2, clusters - 1) * standardError;
  return {
    value,
    standardError,
    low: clip(value - reach, bounds),
    high: clip(value + reach, bounds),
    ...counts,
  };
};

/**
 * Wilson's interval of a proportion.
 *
 * @param share observed proportion in [0, 1]
 * @param count number of independent trials, > 0, need not be whole (effective sizes)
 */
export const wilsonInterval = (share: number, count: number, level = 0.95): readonly [number, number] => {
  const z = normalQuantile(1 - (1 - level) / 2);
  const z2 = z * z;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const reach = (z / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return [Math.max(0, centre - reach), Math.min(1, centre + reach)];
};

/**
 * An accuracy with Wilson's interval for the effective number of questions, n / design effect, where the design effect is
 * (clustered SE / naive SE)^2, at least 1. When every answer is right or every one wrong, nothing varies and the number
 * of clips is taken as the effective number: an accuracy of 0 or 1 never gets an interval of width 0.
 *
 * @returns null for no values
 * @source Wilson 1927; effective sample size as in survey statistics (Kish)
 */
export const clusteredAccuracy = (values: readonly ClusteredValue[], level = 0.95): Estimate | null => {
  if (values.length === 0) return null;
  const value = meanOfValues(values);
  const clusters = new Set(values.map(({ cluster }) => cluster)).size;
  const correction = clusters > 1 ? Math.sqrt(clusters / (clusters - 1)) : 1;
  const standardError = clusteredStandardError(values) * correction;
  const naive = naiveStandardError(values);
  const effective =
    standardError === 0 || naive === 0 ? clusters : values.length / Math.max(1, (standardError / naive) ** 2);
  const [low, high] = wilsonInterval(value, clusters === 1 ? 1 : effective, level);
  return { value, standardError, low, high, questions: values.length, clusters };
};
