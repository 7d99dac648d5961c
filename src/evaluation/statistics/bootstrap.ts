import type { Random } from "../../core/random.ts";
import type { Estimate, IntervalOptions } from "./estimate.ts";

/** Value at share `p` of sorted numbers, linear between neighbours (numpy's default). */
export const sortedQuantile = (sorted: Float64Array, p: number): number => {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
};

/** What is resampled: whole clusters of items, of which a number is made. */
export interface Resampled<T> {
  readonly items: readonly T[];
  readonly clusterOf: (item: T) => string;
  /** The number that is reported, from items in any order; null when it is not defined for them. */
  readonly aggregate: (items: readonly T[]) => number | null;
}

/**
 * The aggregate of `replicates` resamples that draw whole clusters with replacement; the raw material of intervals.
 *
 * @returns one number a replicate in the order drawn; resamples without a defined aggregate are left out
 */
export const bootstrapAggregates = <T>(
  { items, clusterOf, aggregate }: Resampled<T>,
  replicates: number,
  random: Random,
): Float64Array => {
  const byCluster = new Map<string, T[]>();
  for (const item of items) {
    const group = byCluster.get(clusterOf(item));
    if (group === undefined) byCluster.set(clusterOf(item), [item]);
    else group.push(item);
  }
  const groups = [...byCluster.values()];
  const values = new Float64Array(replicates);
  let count = 0;
  for (let replicate = 0; replicate < replicates; replicate++) {
    const drawn: T[] = [];
    for (let draw = 0; draw < groups.length; draw++)
      for (const item of groups[random.integer(groups.length)]!) drawn.push(item);
    const value = aggregate(drawn);
    if (value !== null) values[count++] = value;
  }
  return values.slice(0, count);
};

/**
 * A benchmark's own aggregate with the percentile interval of a cluster bootstrap that recomputes it.
 *
 * @param random seeded; the same seed gives the same interval
 * @returns null where the aggregate is not defined for the items
 * @source Efron; clusters resampled whole
 */
export const clusterBootstrap = <T>(
  resampled: Resampled<T>,
  random: Random,
  options: Pick<IntervalOptions, "level"> & { readonly replicates?: number } = {},
): Estimate | null => {
  const { items, clusterOf, aggregate } = resampled;
  const value = items.length === 0 ? null : aggregate(items);
  if (value === null) return null;
  const { level = 0.95, replicates = 1000 } = options;
  const values = bootstrapAggregates(resampled, replicates, random).sort();
  const centre = values.reduce((sum, one) => sum + one, 0) / values.length;
  const squares = values.reduce((sum, one) => sum + (one - centre) ** 2, 0);
  return {
    value,
    standardError: Math.sqrt(squares / values.length),
    low: sortedQuantile(values, (1 - level) / 2),
    high: sortedQuantile(values, 1 - (1 - level) / 2),
    questions: items.length,
    clusters: new Set(items.map(clusterOf)).size,
  };
};
