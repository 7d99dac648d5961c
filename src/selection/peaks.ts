import { ConfigError } from "../core/errors.ts";

/** How key frames are read off a relevance curve. The defaults are the paper's rule: every strict local maximum. */
export interface PeakOptions {
  /** Width of the moving average applied before the search, in frames; odd; 1 leaves the curve as it is. */
  readonly smoothingFrames?: number;
  /** Least height above the higher of the two valleys that part a peak from higher ground, in units of the curve. */
  readonly prominence?: number;
  /** The same as a share of the curve's range (max - min), 0 to 1; the stricter of the two counts. */
  readonly prominenceShare?: number;
  /** Least score of a key frame, in units of the (smoothed) curve. */
  readonly floor?: number;
  /** Keep only this many, the highest scores first; ties go to the earlier frame. */
  readonly topK?: number;
  /** Keep only this share of all frames (rounded up), the highest scores first; with `topK`, the smaller counts. */
  readonly topShare?: number;
}

/**
 * The moving average of a curve over a centred window; at the borders the window shrinks to what is there, so every
 * value stays inside the range of its neighbours. `scores` [T] -> [T], units kept.
 */
export const smoothed = (scores: ArrayLike<number>, windowFrames: number): Float64Array => {
  if (!Number.isInteger(windowFrames) || windowFrames < 1 || windowFrames % 2 === 0)
    throw new ConfigError("bad smoothing window", {
      expected: "an odd number of frames >= 1",
      got: String(windowFrames),
    });
  const half = (windowFrames - 1) / 2;
  const result = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    const from = Math.max(0, i - half);
    const to = Math.min(scores.length - 1, i + half);
    let sum = 0;
    for (let j = from; j <= to; j++) sum += scores[j]!;
    result[i] = sum / (to - from + 1);
  }
  return result;
};

/**
 * Strict local maxima of a curve, 0-based, ascending. Outside the curve the score is minus infinity, so an end frame
 * is one when it beats its only neighbour and a single frame always is. A run of equal scores counts as one point and
 * gives its first frame. A constant curve of two or more frames has none. NaN is never a maximum and never beats one.
 *
 * @source VideoPerceiver (arXiv 2511.18823), eq. 2 (reconstructed); the rule for runs is ours.
 */
export const strictLocalMaxima = (scores: ArrayLike<number>): number[] => {
  const count = scores.length;
  if (count === 1) return Number.isNaN(scores[0]) ? [] : [0];
  const peaks: number[] = [];
  let start = 0;
  while (start < count) {
    const height = scores[start]!;
    let end = start;
    while (end + 1 < count && scores[end + 1] === height) end++;
    const whole = start === 0 && end === count - 1;
    const risesIn = start === 0 || !(scores[start - 1]! > height);
    const fallsOut = end === count - 1 || !(scores[end + 1]! > height);
    if (!whole && risesIn && fallsOut && !Number.isNaN(height)) peaks.push(start);
    start = end + 1;
  }
  return peaks;
};

/**
 * Height of a peak above the higher of the two lowest points that lie between it and higher ground (or the curve's
 * end) on either side; at a border, the other side alone counts. Units of the curve, >= 0.
 */
export const prominenceOf = (scores: ArrayLike<number>, peak: number): number => {
  const height = scores[peak]!;
  const valley = (step: 1 | -1): number | undefined => {
    let lowest: number | undefined;
    for (let i = peak + step; i >= 0 && i < scores.length && !(scores[i]! > height); i += step)
      if (lowest === undefined || scores[i]! < lowest) lowest = scores[i]!;
    return lowest;
  };
  const left = valley(-1);
  const right = valley(1);
  if (left === undefined && right === undefined) return 0;
  return height - Math.max(left ?? Number.NEGATIVE_INFINITY, right ?? Number.NEGATIVE_INFINITY);
};

/**
 * Key frames of a relevance curve: strict local maxima, then the options' filters in the order smoothing, floor,
 * prominence, top. 0-based, ascending, unique.
 *
 * @throws {ConfigError} for an even or non-positive window
 * @source VideoPerceiver, eq. 2; every option is ours (off by default).
 */
export const keyFramesOf = (scores: ArrayLike<number>, options: PeakOptions = {}): number[] => {
  const curve = (options.smoothingFrames ?? 1) === 1 ? scores : smoothed(scores, options.smoothingFrames!);
  let peaks = strictLocalMaxima(curve);
  const { floor } = options;
  if (floor !== undefined) peaks = peaks.filter((peak) => curve[peak]! >= floor);
  const least = leastProminence(curve, options);
  if (least > 0) peaks = peaks.filter((peak) => curve.length === 1 || prominenceOf(curve, peak) >= least);
  const most = Math.min(
    options.topK ?? Number.POSITIVE_INFINITY,
    options.topShare === undefined ? Number.POSITIVE_INFINITY : Math.ceil(options.topShare * curve.length),
  );
  if (peaks.length > most)
    peaks = peaks
      .sort((a, b) => curve[b]! - curve[a]! || a - b)
      .slice(0, most)
      .sort((a, b) => a - b);
  return peaks;
};

const leastProminence = (curve: ArrayLike<number>, options: PeakOptions): number => {
  let least = options.prominence ?? 0;
  if (options.prominenceShare !== undefined) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < curve.length; i++) {
      low = Math.min(low, curve[i]!);
      high = Math.max(high, curve[i]!);
    }
    if (high > low) least = Math.max(least, options.prominenceShare * (high - low));
  }
  return least;
};
