/** How fast frames come that were chosen one by one, and when each temporal step of the model begins, from the first. */
export interface UnevenFrames {
  readonly framesPerSecond: number;
  readonly stepSeconds: readonly number[];
}

/**
 * Frames that came with a question keep their own times.
 *
 * @param timesSeconds of each frame, ascending
 * @param depth frames of a temporal step
 * @param usualRate of the clip, for frames that all have one time
 */
export const unevenFrames = (
  timesSeconds: readonly number[],
  depth: number,
  usualRate: number,
): UnevenFrames => {
  const first = timesSeconds[0]!;
  const span = timesSeconds.at(-1)! - first;
  return {
    framesPerSecond: span > 0 ? (timesSeconds.length - 1) / span : usualRate || 1,
    stepSeconds: timesSeconds.filter((_, at) => at % depth === 0).map((time) => time - first),
  };
};
