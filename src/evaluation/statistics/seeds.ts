import { type ClusteredValue, clusteredMean } from "./clustered.ts";
import { studentQuantile } from "./distributions.ts";
import type { Estimate, IntervalOptions } from "./estimate.ts";

/** An effect over seeds. */
export interface SeedEffect extends Estimate {
  readonly seeds: number;
  /** Mean of each seed, in order. */
  readonly perSeed: readonly number[];
  /** Standard deviation between seeds beyond what clips explain; null with one seed: not known. */
  readonly betweenSeeds: number | null;
  /** Mean over the standard deviation of the clips' own means; 0 where nothing varies. */
  readonly effectSize: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const sampleVariance = (values: readonly number[]): number => {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
};

/** Mean value of each cluster of each seed. */
const clusterMeans = (perSeed: readonly (readonly ClusteredValue[])[]): number[] =>
  perSeed.flatMap((values) => {
    const found = Map.groupBy(values, ({ cluster }) => cluster);
    return [...found.values()].map((own) => mean(own.map(({ value }) => value)));
  });

/**
 * Mean of the seeds' means with an interval that takes seeds as a random effect and clips as clusters within a seed. The
 * variance of a seed's mean is the larger of what is seen between the seeds and of what the clips say, so few seeds that
 * happen to agree do not narrow the interval. Degrees of freedom: seeds - 1 where the seeds decide, else clips - seeds.
 *
 * @returns null when no seed has values
 * @source one-way random effects, moment estimator as in DerSimonian and Laird 1986
 */
export const seedEffect = (
  perSeed: readonly (readonly ClusteredValue[])[],
  { level = 0.95, bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }: IntervalOptions = {},
): SeedEffect | null => {
  const used = perSeed.filter(({ length }) => length > 0);
  const estimates = used.map((values) => clusteredMean(values, { level })!);
  if (estimates.length === 0) return null;
  const means = estimates.map(({ value }) => value);
  const [seeds, value] = [means.length, mean(means)];
  const within = mean(estimates.map(({ standardError }) => standardError ** 2));
  const between = sampleVariance(means);
  const clusters = estimates.reduce((sum, one) => sum + one.clusters, 0);
  const seedsDecide = seeds > 1 && between > within;
  const standardError = Math.sqrt(Math.max(within, between) / seeds);
  const freedom = seedsDecide ? seeds - 1 : Math.max(1, clusters - seeds);
  const reach = studentQuantile(1 - (1 - level) / 2, freedom) * standardError;
  const isKnown = clusters > 1;
  const spread = Math.sqrt(sampleVariance(clusterMeans(used)));
  return {
    value,
    standardError,
    low: isKnown ? Math.max(bounds[0], value - reach) : bounds[0],
    high: isKnown ? Math.min(bounds[1], value + reach) : bounds[1],
    questions: estimates.reduce((sum, one) => sum + one.questions, 0),
    clusters,
    seeds,
    perSeed: means,
    betweenSeeds: seeds < 2 ? null : Math.sqrt(Math.max(0, between - within)),
    effectSize: spread === 0 ? 0 : value / spread,
  };
};
