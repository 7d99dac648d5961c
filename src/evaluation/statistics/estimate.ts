/** An estimated number with its interval. */
export interface Estimate {
  readonly value: number;
  /** Standard error, the clusters taken into account; 0 when nothing varies. */
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  /** Questions and clusters (clips) behind the number. */
  readonly questions: number;
  readonly clusters: number;
}

/** Confidence of an interval and the range that the number cannot leave. */
export interface IntervalOptions {
  /** Coverage, in (0, 1); 0.95 by default. */
  readonly level?: number;
  /** Smallest and largest possible value; interval ends are cut there. */
  readonly bounds?: readonly [number, number];
}

/** True when the interval lies wholly on one side of 0. */
export const excludesZero = (estimate: Estimate): boolean => estimate.low > 0 || estimate.high < 0;
