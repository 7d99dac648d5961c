/**
 * `toEqual` walks typed arrays element by element, which takes seconds for pictures and weights. Two of one kind with the
 * same bytes are equal; everything else is left to vitest, which also shows the difference.
 */
import { expect } from "vitest";

const bytesOf = (value: unknown): Buffer | undefined =>
  ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined;

expect.addEqualityTesters([
  (one, two) => {
    const [a, b] = [bytesOf(one), bytesOf(two)];
    if (a === undefined || b === undefined) return undefined;
    const sameKind = (one as object).constructor === (two as object).constructor;
    return sameKind && a.equals(b) ? true : undefined;
  },
]);
