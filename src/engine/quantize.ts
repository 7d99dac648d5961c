/** A matrix as bytes: value = scale * (byte - 128), one scale a block of a row. */
export interface QuantizedRows {
  /** [rows, blocks, block]; 128 (zero) behind the end of a row. */
  readonly bytes: Uint8Array;
  /** [rows * blocks] */
  readonly scales: Float32Array;
}

/**
 * Rounds a matrix [rows, width] to 8 bits, symmetric around 0: the largest magnitude of a block becomes 127. No value
 * is off by more than half a scale.
 */
export const quantizeRows = (
  matrix: Float32Array,
  rows: number,
  width: number,
  block: number,
): QuantizedRows => {
  const blocks = Math.ceil(width / block);
  const bytes = new Uint8Array(rows * blocks * block).fill(128);
  const scales = new Float32Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++) {
      const from = row * width + b * block;
      const end = row * width + Math.min(width, (b + 1) * block);
      let largest = 0;
      for (let i = from; i < end; i++) largest = Math.max(largest, Math.abs(matrix[i]!));
      const scale = Math.fround(largest / 127);
      scales[row * blocks + b] = scale;
      if (scale === 0) continue;
      const to = (row * blocks + b) * block - from;
      for (let i = from; i < end; i++) bytes[to + i] = 128 + Math.round(matrix[i]! / scale);
    }
  }
  return { bytes, scales };
};
