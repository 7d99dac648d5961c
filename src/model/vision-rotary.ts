/**
 * Rotary tables of patches: the first half of a head's pairs turns with the row, the second with the column.
 *
 * @param places [P, 2] row and column of each patch
 * @returns cos and sin [P, d / 2]
 */
export const patchRotary = (
  places: ArrayLike<number>,
  headDim: number,
  theta: number,
): { cos: Float32Array; sin: Float32Array } => {
  const half = headDim / 2;
  const quarter = half / 2;
  const patches = places.length / 2;
  const cos = new Float32Array(patches * half);
  const sin = new Float32Array(patches * half);
  for (let patch = 0; patch < patches; patch++)
    for (let axis = 0; axis < 2; axis++)
      for (let j = 0; j < quarter; j++) {
        const angle = Math.fround(places[patch * 2 + axis]! * theta ** (-j / quarter));
        cos[patch * half + axis * quarter + j] = Math.cos(angle);
        sin[patch * half + axis * quarter + j] = Math.sin(angle);
      }
  return { cos, sin };
};
