import type { Random } from "../core/random.ts";
import type { VisualScale } from "./token-batch.ts";

/** Dropout of the visual tokens in some rows: a number becomes 0 with probability p, else it is divided by 1 - p. */
export const dropoutScale = (
  rows: readonly number[],
  width: number,
  { dropout, random }: { readonly dropout: number; readonly random: Random },
): VisualScale => {
  const kept = new Uint8Array(Math.ceil((rows.length * width) / 8));
  for (let i = 0; i < rows.length * width; i++) if (random.next() >= dropout) kept[i >> 3]! |= 1 << (i & 7);
  return { rows: Int32Array.from(rows), width, kept, factor: 1 / (1 - dropout) };
};

/** [K, D] what each number is multiplied by. */
export const scaleFactors = ({ rows, width, kept, factor }: VisualScale): Float32Array => {
  const factors = new Float32Array(rows.length * width);
  for (let i = 0; i < factors.length; i++) if (((kept[i >> 3]! >> (i & 7)) & 1) === 1) factors[i] = factor;
  return factors;
};
