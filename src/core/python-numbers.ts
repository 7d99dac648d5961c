/** Rounds as Python does: to the nearest integer, halves to the even one. */
export const roundHalfEven = (value: number): number => {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
};

/**
 * `torch.linspace(start, end, count)` in float32: filled from both ends, each value one fused multiplication and
 * addition (equal to torch 2.12 on x86, bit by bit).
 */
export const linspaceFloat32 = (start: number, end: number, count: number): Float32Array => {
  const values = new Float32Array(count);
  if (count === 1) values[0] = start;
  const step = Math.fround(Math.fround(Math.fround(end) - Math.fround(start)) / (count - 1));
  const half = Math.floor(count / 2);
  for (let i = 0; i < count && count > 1; i++)
    values[i] = i < half ? Math.fround(start) + step * i : Math.fround(end) - step * (count - i - 1);
  return values;
};
