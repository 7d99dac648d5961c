/** First and last position of a peak's basin, both inside. */
export interface Basin {
  readonly first: number;
  readonly last: number;
}

/**
 * The run of positions around a peak on which the curve falls on both sides and stays above
 * `valley + heightShare * (peak - valley)`, the valley being each side's own. Valley frames are outside, so basins of
 * different peaks never overlap. At a border the peak itself is the edge.
 */
export const basinOf = (curve: ArrayLike<number>, peak: number, heightShare: number): Basin => {
  const walk = (step: 1 | -1): number => {
    let foot = peak;
    while (foot + step >= 0 && foot + step < curve.length && curve[foot + step]! <= curve[foot]!)
      foot += step;
    const height = curve[peak]!;
    const valley = curve[foot]!;
    if (valley === height) return foot;
    const least = valley + heightShare * (height - valley);
    let edge = peak;
    while (edge !== foot && curve[edge + step]! > valley && curve[edge + step]! >= least) edge += step;
    return edge;
  };
  return { first: walk(-1), last: walk(1) };
};
