import type { TextConfig } from "./config.ts";

/**
 * Added to a score that must not count. Finite, so that a row that sees nothing gives numbers, not NaN; so large that
 * float32 forgets the score, and such a row mixes all values alike.
 */
export const hiddenScore = -1e30;

/**
 * Rotary tables of three-part positions: pair j of a head turns with time, height or width as `mropeSection` says.
 *
 * @param positions [3, N]: time, height, width
 * @returns cos and sin [N, d / 2]
 */
export const ropeTables = (
  positions: ArrayLike<number>,
  text: Pick<TextConfig, "headDim" | "ropeTheta" | "mropeSection">,
): { cos: Float32Array; sin: Float32Array } => {
  const half = text.headDim / 2;
  const rows = positions.length / 3;
  const cos = new Float32Array(rows * half);
  const sin = new Float32Array(rows * half);
  let j = 0;
  text.mropeSection.forEach((size, axis) => {
    for (const end = j + size; j < end; j++) {
      const frequency = Math.fround(text.ropeTheta ** (-j / half));
      for (let n = 0; n < rows; n++) {
        const angle = Math.fround(positions[axis * rows + n]! * frequency);
        cos[n * half + j] = Math.cos(angle);
        sin[n * half + j] = Math.sin(angle);
      }
    }
  });
  return { cos, sin };
};
