/** How far a value is from the expected one. */
export interface Comparison {
  /** Largest absolute difference; infinite when a number is missing or not finite. */
  readonly maxAbs: number;
  /** `maxAbs` by the largest expected magnitude (of the compared numbers). */
  readonly maxRelative: number;
  readonly pass: boolean;
  /** When the shapes differ: nothing else was compared. */
  readonly shapes?: { readonly expected: readonly number[]; readonly got: readonly number[] };
}

/** Numbers in a shape, row by row. */
export interface ShapedNumbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What counts as equal: the largest step, or the largest step in relation to the largest magnitude. */
export type Tolerance = { readonly absolute: number } | { readonly relativeToMax: number };

const otherShape = (expected: readonly number[], got: readonly number[]): Comparison => ({
  maxAbs: Number.POSITIVE_INFINITY,
  maxRelative: Number.POSITIVE_INFINITY,
  pass: false,
  shapes: { expected, got },
});

/**
 * Compares two lists of numbers.
 *
 * @param isCompared says for an index whether it counts, e.g. because it is not padding; absent: all do
 */
export const compareNumbers = (
  expected: ArrayLike<number>,
  got: ArrayLike<number>,
  tolerance: Tolerance,
  isCompared?: (index: number) => boolean,
): Comparison => {
  if (expected.length !== got.length) return otherShape([expected.length], [got.length]);
  let maxAbs = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    if (isCompared !== undefined && !isCompared(i)) continue;
    const difference = Math.abs(expected[i]! - got[i]!);
    maxAbs = Math.max(maxAbs, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  const maxRelative = maxAbs === 0 ? 0 : maxAbs / magnitude;
  const pass =
    "absolute" in tolerance ? maxAbs <= tolerance.absolute : maxRelative <= tolerance.relativeToMax;
  return { maxAbs, maxRelative, pass };
};

/** Compares shapes first, then the numbers. */
export const compareShaped = (
  expected: ShapedNumbers,
  got: ShapedNumbers,
  tolerance: Tolerance,
  isCompared?: (index: number) => boolean,
): Comparison => {
  const same =
    expected.shape.length === got.shape.length && expected.shape.every((side, i) => side === got.shape[i]);
  if (same) return compareNumbers(expected.data, got.data, tolerance, isCompared);
  return otherShape(expected.shape, got.shape);
};

/**
 * Which numbers of an expected value count: not those at padding. Values that do not run over positions (vision,
 * gradients, loss, greedy) count whole.
 *
 * @param shape of the value; [3, B, T] for positions, [B, T - 1] for `token_logprobs`, [B, T, ...] for the others
 * @param mask_BT 1 for a token, 0 for padding
 */
export const comparedIndices = (
  what: string,
  shape: readonly number[],
  mask_BT: ArrayLike<number>,
  columns: number,
): ((index: number) => boolean) | undefined => {
  if (what === "position_ids") return (index) => mask_BT[index % mask_BT.length] === 1;
  if (what === "token_logprobs") {
    const kept = columns - 1;
    return (index) => {
      const at = Math.floor(index / kept) * columns + (index % kept);
      return mask_BT[at] === 1 && mask_BT[at + 1] === 1;
    };
  }
  if (what !== "logits" && !what.startsWith("hidden.")) return undefined;
  const width = shape.at(-1) ?? 1;
  return (index) => mask_BT[Math.floor(index / width)] === 1;
};
