/** Arithmetic mean; 0 for no values. Equal values give exactly that value. */
export const meanOf = (values: readonly number[]): number => {
  if (values.length === 0) return 0;
  const first = values[0]!;
  // Deviations from the first value make the mean of equal values exact, so that their advantages are exactly 0.
  let sum = 0;
  for (const value of values) sum += value - first;
  return first + sum / values.length;
};

/** Standard deviation with `freedom` subtracted from the count; 0 for too few values. */
export const standardDeviation = (values: readonly number[], freedom: 0 | 1): number => {
  if (values.length <= freedom) return 0;
  const mean = meanOf(values);
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return Math.sqrt(sum / (values.length - freedom));
};
