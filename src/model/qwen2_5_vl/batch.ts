import type { TextConfig } from "../config.ts";

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

/** Mask of causal attention among the used positions: [B, 1, T, T], 0 where row sees column. */
export const causalMask = (used: readonly (readonly boolean[])[], length: number): Float32Array => {
  const mask = new Float32Array(used.length * length * length);
  used.forEach((row, b) => {
    for (let to = 0; to < length; to++)
      for (let from = 0; from < length; from++)
        if (from > to || row[from] !== true) mask[(b * length + to) * length + from] = hiddenScore;
  });
  return mask;
};
