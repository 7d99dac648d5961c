/** The next even number: yuv420p has one colour sample for two rows and columns. */
export const evenSide = (side: number): number => side + (side % 2);

/** A picture with even sides: an odd one gets its last column or row once more. Returns the input when it is even. */
export const padToEven = (rgb: Uint8Array, width: number, height: number): Uint8Array => {
  const wide = evenSide(width);
  const high = evenSide(height);
  if (wide === width && high === height) return rgb;
  const padded = new Uint8Array(wide * high * 3);
  for (let y = 0; y < high; y++) {
    const from = Math.min(y, height - 1) * width * 3;
    padded.set(rgb.subarray(from, from + width * 3), y * wide * 3);
    if (wide > width)
      padded.set(rgb.subarray(from + (width - 1) * 3, from + width * 3), y * wide * 3 + width * 3);
  }
  return padded;
};
