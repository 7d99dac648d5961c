import type { Shift } from "./global-shift.ts";
import type { Planes } from "./planes.ts";

/** How two pictures are compared. */
export interface BlockChangeOptions {
  /** Blocks a row and a column. */
  readonly blocks: number;
  /** Weight of a level of colour difference against one of luma. */
  readonly colourWeight: number;
  /** Subtract the mean luma difference first, so that exposure changes and flicker count little. */
  readonly removeFlicker: boolean;
}

/**
 * Mean absolute difference per block between `a` and `b` moved by `shift`, in levels; `out` [blocks * blocks], row by
 * row over `a`. A block of which less than a quarter is seen in both pictures gets 0.
 */
export const blockChange = (
  a: Planes,
  b: Planes,
  shift: Shift,
  options: BlockChangeOptions,
  out: Float64Array,
): void => {
  const { width, height } = a;
  const { blocks, colourWeight } = options;
  const { dx, dy } = shift;
  const flicker = options.removeFlicker ? meanLumaDifference(a, b, shift) : 0;
  for (let row = 0; row < blocks; row++) {
    const top = Math.floor((row * height) / blocks);
    const bottom = Math.floor(((row + 1) * height) / blocks);
    const seenTop = Math.max(top, -dy);
    const seenBottom = Math.min(bottom, height - dy);
    for (let column = 0; column < blocks; column++) {
      const left = Math.floor((column * width) / blocks);
      const right = Math.floor(((column + 1) * width) / blocks);
      const seenLeft = Math.max(left, -dx);
      const seenRight = Math.min(right, width - dx);
      let sum = 0;
      for (let y = seenTop; y < seenBottom; y++) {
        const rowB = (y + dy) * width + dx;
        for (let x = seenLeft; x < seenRight; x++) {
          const at = y * width + x;
          const from = rowB + x;
          sum +=
            Math.abs(a.luma[at]! - b.luma[from]! - flicker) +
            colourWeight * (Math.abs(a.blue[at]! - b.blue[from]!) + Math.abs(a.red[at]! - b.red[from]!));
        }
      }
      const seen = Math.max(0, seenBottom - seenTop) * Math.max(0, seenRight - seenLeft);
      out[row * blocks + column] = seen > 0 && seen * 4 >= (bottom - top) * (right - left) ? sum / seen : 0;
    }
  }
};

const meanLumaDifference = (a: Planes, b: Planes, { dx, dy }: Shift): number => {
  const { width, height } = a;
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
    for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++, count++)
      sum += a.luma[y * width + x]! - b.luma[(y + dy) * width + x + dx]!;
  return count === 0 ? 0 : sum / count;
};

/** Mean of the `count` largest values; `scratch` is overwritten and as long as `values`. */
export const meanOfStrongest = (values: Float64Array, count: number, scratch: Float64Array): number => {
  scratch.set(values);
  scratch.sort();
  let sum = 0;
  for (let i = scratch.length - count; i < scratch.length; i++) sum += scratch[i]!;
  return sum / count;
};
