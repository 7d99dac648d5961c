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

/** Widens float16 bits; exact. `target` holds float32 bits and is filled from its start. */
export const widenFloat16 = (source: Uint16Array, target: Uint32Array): void => {
  halfTable ??= makeHalfTable();
  const table = halfTable;
  for (let i = 0; i < source.length; i++) target[i] = table[source[i]!]!;
};

/** Widens bfloat16 bits; exact. `target` holds float32 bits and is filled from its start. */
export const widenBfloat16 = (source: Uint16Array, target: Uint32Array): void => {
  for (let i = 0; i < source.length; i++) target[i] = source[i]! << 16;
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
