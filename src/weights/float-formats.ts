/** Bits of the float32 that equals each of the 65,536 float16 values; made on first use (256 KiB). */
let halfTable: Uint32Array | undefined;

const makeHalfTable = (): Uint32Array => {
  const table = new Uint32Array(65_536);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let half = 0; half < 65_536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) {
      float[0] = fraction * 2 ** -24;
      table[half] = (bits[0]! | sign) >>> 0;
    } else {
      const wide = exponent === 31 ? 255 : exponent + 112;
      table[half] = (sign | (wide << 23) | (fraction << 13)) >>> 0;
    }
  }
  return table;
};

// Loops over sixteen numbers a turn: V8 puts a short function into its caller, which it then may never compile well. Of a
// 3B model (5 GB of bits, Node 24) widening fell from 1.3 to 6 ns a number in the third pass; so it stays at 1.

/** Widens float16 bits; exact. `target` holds float32 bits and is filled from its start. */
export const widenFloat16 = (source: Uint16Array, target: Uint32Array): void => {
  halfTable ??= makeHalfTable();
  const table = halfTable;
  const whole = source.length - (source.length % 16);
  let i = 0;
  for (; i < whole; i += 16) {
    target[i] = table[source[i]!]!;
    target[i + 1] = table[source[i + 1]!]!;
    target[i + 2] = table[source[i + 2]!]!;
    target[i + 3] = table[source[i + 3]!]!;
    target[i + 4] = table[source[i + 4]!]!;
    target[i + 5] = table[source[i + 5]!]!;
    target[i + 6] = table[source[i + 6]!]!;
    target[i + 7] = table[source[i + 7]!]!;
    target[i + 8] = table[source[i + 8]!]!;
    target[i + 9] = table[source[i + 9]!]!;
    target[i + 10] = table[source[i + 10]!]!;
    target[i + 11] = table[source[i + 11]!]!;
    target[i + 12] = table[source[i + 12]!]!;
    target[i + 13] = table[source[i + 13]!]!;
    target[i + 14] = table[source[i + 14]!]!;
    target[i + 15] = table[source[i + 15]!]!;
  }
  for (; i < source.length; i++) target[i] = table[source[i]!]!;
};

/** Widens bfloat16 bits; exact. `target` holds float32 bits and is filled from its start. */
export const widenBfloat16 = (source: Uint16Array, target: Uint32Array): void => {
  const whole = source.length - (source.length % 16);
  let i = 0;
  for (; i < whole; i += 16) {
    target[i] = source[i]! << 16;
    target[i + 1] = source[i + 1]! << 16;
    target[i + 2] = source[i + 2]! << 16;
    target[i + 3] = source[i + 3]! << 16;
    target[i + 4] = source[i + 4]! << 16;
    target[i + 5] = source[i + 5]! << 16;
    target[i + 6] = source[i + 6]! << 16;
    target[i + 7] = source[i + 7]! << 16;
    target[i + 8] = source[i + 8]! << 16;
    target[i + 9] = source[i + 9]! << 16;
    target[i + 10] = source[i + 10]! << 16;
    target[i + 11] = source[i + 11]! << 16;
    target[i + 12] = source[i + 12]! << 16;
    target[i + 13] = source[i + 13]! << 16;
    target[i + 14] = source[i + 14]! << 16;
    target[i + 15] = source[i + 15]! << 16;
  }
  for (; i < source.length; i++) target[i] = source[i]! << 16;
};

/** Narrows float32 bits to bfloat16, to the nearest, ties to even; a NaN stays one. */
export const narrowToBfloat16 = (source: Uint32Array, target: Uint16Array): void => {
  for (let i = 0; i < source.length; i++) {
    const bits = source[i]!;
    const isNan = (bits & 0x7fffffff) > 0x7f800000;
    target[i] = isNan ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
};

/** Narrows float32 bits to float16, to the nearest, ties to even; too large becomes infinite, a NaN stays one. */
export const narrowToFloat16 = (source: Uint32Array, target: Uint16Array): void => {
  for (let i = 0; i < source.length; i++) {
    const bits = source[i]!;
    const sign = (bits >>> 16) & 0x8000;
    const size = bits & 0x7fffffff;
    if (size > 0x7f800000) target[i] = sign | 0x7e00;
    else if (size >= 0x47800000) target[i] = sign | 0x7c00;
    else if (size >= 0x38800000) {
      const rounded = size - 0x38000000 + 0xfff + ((size >>> 13) & 1);
      target[i] = sign | (rounded >>> 13);
    } else if (size < 0x33000000) target[i] = sign;
    else {
      const shift = 126 - (size >>> 23);
      const fraction = (size & 0x7fffff) | 0x800000;
      const kept = fraction >>> shift;
      const rest = fraction & ((1 << shift) - 1);
      const half = 1 << (shift - 1);
      target[i] = sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
    }
  }
};
