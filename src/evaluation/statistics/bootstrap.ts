import type { Random } from "../../core/random.ts";
import type { ClusteredValue } from "./clustered.ts";
import type { Estimate, IntervalOptions } from "./estimate.ts";

/** Value at share `p` of sorted numbers, linear between neighbours (numpy's default). */
export const sortedQuantile = (sorted: Float64Array, p: number): number => {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
};

/**
 * Means of `replicates` resamples that draw whole clusters with replacement; the raw material of intervals.
 *
 * @returns one mean a replicate, in the order drawn; resamples weigh clusters by their number of questions
 */
export const bootstrapMeans = (
  values: readonly ClusteredValue[],
  replicates: number,
  random: Random,
): Float64Array => {
  const places = new Map<string, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  for (const { cluster, value } of values) {
    let place = places.get(cluster);
    if (place === undefined) {
      place = sums.length;
      places.set(cluster, place);
      sums.push(0);
      counts.push(0);
    }
    sums[place]! += value;
    counts[place]! += 1;
  }
  const means = new Float64Array(replicates);
  for (let replicate = 0; replicate < replicates; replicate++) {
    let sum = 0;
    let count = 0;
    for (let draw = 0; draw < sums.length; draw++) {
      const cluster = random.integer(sums.length);
      sum += sums[cluster]!;
      count += counts[cluster]!;
    }
    means[replicate] = sum / count;
  }
  return means;
};

/**
 * A mean with the percentile interval of a cluster bootstrap.
 *
 * @param random seeded; the same seed gives the same interval
 * @returns null for no values
 * @source Efron; clusters resampled whole
 */
export const clusterBootstrap = (
  values: readonly ClusteredValue[],
  random: Random,
  options: IntervalOptions & { readonly replicates?: number } = {},
): Estimate | null => {
  if (values.length === 0) return null;
  const { level = 0.95, replicates = 10_000 } = options;
  const means = bootstrapMeans(values, replicates, random).sort();
  const centre = means.reduce((sum, mean) => sum + mean, 0) / replicates;
  const squares = means.reduce((sum, mean) => sum + (mean - centre) ** 2, 0);
  return {
    value: values.reduce((sum, { value }) => sum + value, 0) / values.length,
    standardError: Math.sqrt(squares / replicates),
    low: sortedQuantile(means, (1 - level) / 2),
    high: sortedQuantile(means, 1 - (1 - level) / 2),
    questions: values.length,
    clusters: new Set(values.map(({ cluster }) => cluster)).size,
  };
};
