/** Sum of squared differences of two equally long rows of bytes. */
export const squaredError = (a: Uint8Array, b: Uint8Array): number => {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!;
    sum += difference * difference;
  }
  return sum;
};

/** Peak signal-to-noise ratio in decibels for bytes, from a sum of squared differences; null when all are equal. */
export const psnrOf = (squaredErrorSum: number, count: number): number | null =>
  squaredErrorSum === 0 ? null : 10 * Math.log10((255 * 255 * count) / squaredErrorSum);
