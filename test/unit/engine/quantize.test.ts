import fc from "fast-check";
import { expect, test } from "vitest";
import { quantizeRows } from "../../../src/engine/quantize.ts";

test("no value is off by more than half a scale; padding is zero; a block's largest magnitude is exact", () => {
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 70 }))
    .chain(([rows, width]) =>
      fc.tuple(
        fc.constant(rows),
        fc.constant(width),
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: -9, max: 9, noNaN: true })), {
          minLength: rows * width,
          maxLength: rows * width,
        }),
      ),
    );
  fc.assert(
    fc.property(matrix, ([rows, width, numbers]) => {
      const values = Float32Array.from(numbers);
      const { bytes, scales } = quantizeRows(values, rows, width, 32);
      const blocks = Math.ceil(width / 32);
      expect(bytes.length).toBe(rows * blocks * 32);
      for (let row = 0; row < rows; row++)
        for (let i = 0; i < blocks * 32; i++) {
          const scale = scales[row * blocks + Math.floor(i / 32)]!;
          const byte = bytes[row * blocks * 32 + i]!;
          if (i >= width) expect(byte).toBe(128);
          else
            expect(Math.abs(scale * (byte - 128) - values[row * width + i]!)).toBeLessThanOrEqual(
              scale * 0.5001 + 1e-37,
            );
        }
    }),
  );
});
