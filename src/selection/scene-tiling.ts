/** How a sequence is cut into segments. */
export interface TilingOptions {
  /** A cut is deeper than the mean depth by so many standard deviations. */
  readonly deviations: number;
  /** Cuts at most; the deepest stay. */
  readonly most: number;
}

/** The value at the top of the slope that leads away from `at` in a direction. */
const peakFrom = (similarity: ArrayLike<number>, at: number, step: -1 | 1): number => {
  let here = at;
  while (here + step >= 0 && here + step < similarity.length && similarity[here + step]! >= similarity[here]!)
    here += step;
  return similarity[here]!;
};

/**
 * SceneTiling: cuts where likeness of neighbours lies deep between its peaks on both sides.
 *
 * @param similarity of each element to the next one, any scale: [T - 1]
 * @returns the last place of every segment, ascending; the last one is T - 1
 * @source VideoLLaMB's code (arXiv 2409.01071), as recalled
 */
export const sceneTiling = (similarity: ArrayLike<number>, { deviations, most }: TilingOptions): number[] => {
  const count = similarity.length;
  const depths = Array.from(
    { length: count },
    (_, at) => peakFrom(similarity, at, -1) + peakFrom(similarity, at, 1) - 2 * similarity[at]!,
  );
  const mean = depths.reduce((sum, depth) => sum + depth, 0) / Math.max(1, count);
  const squares = depths.reduce((sum, depth) => sum + (depth - mean) ** 2, 0);
  const limit = mean + deviations * Math.sqrt(squares / Math.max(1, count - 1));
  const cuts = depths
    .map((depth, at) => ({ depth, at }))
    .filter(({ depth }) => depth > limit)
    .sort((a, b) => b.depth - a.depth || a.at - b.at)
    .slice(0, Math.max(0, most))
    .map(({ at }) => at);
  return [...cuts.sort((a, b) => a - b), count];
};
