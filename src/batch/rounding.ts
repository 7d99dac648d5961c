/**
 * Sizes of a batch are rounded up, so that few different graphs are compiled (each keeps its own memory): to multiples of
 * these, or of an eighth to a quarter of the size where that is more.
 */
export const rounding = { positions: 16, words: 64, scored: 64, steps: 4 } as const;

/**
 * `value` rounded up to a multiple of `least`, or of the power of two that is an eighth to a quarter of it.
 *
 * @param finer powers of two by which that one is smaller: each halves what is wasted, and doubles the graphs there may be
 */
export const roundUp = (value: number, least: number, finer = 0): number => {
  const step = Math.max(least, 2 ** (Math.floor(Math.log2(Math.max(1, value))) - 2 - finer));
  return Math.ceil(value / step) * step;
};
