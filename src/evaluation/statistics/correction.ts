const order = (p: readonly number[]): number[] => p.map((_, index) => index).sort((a, b) => p[a]! - p[b]!);

/** Holm's step-down adjustment (family-wise error), in the order given, each at most 1. */
export const holm = (p: readonly number[]): number[] => {
  const adjusted = new Array<number>(p.length).fill(1);
  let largest = 0;
  order(p).forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (p.length - rank) * p[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
};
