import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evenSide, padToEven } from "../../../src/video/even-size.ts";
import { sizeWithin, wantedSize } from "../../../src/video/frame-size.ts";

describe("sizeWithin", () => {
  test("gives multiples of the factor; never more than the bound unless a side is one factor long", () => {
    const side = fc.integer({ min: 1, max: 4000 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(2, 14, 28), (width, height, factor) => {
        fc.pre(Math.max(width, height) / Math.min(width, height) <= 200);
        const max = 500 * factor * factor;
        const made = sizeWithin({ width, height }, 4 * factor * factor, max, factor);
        expect([made.width % factor, made.height % factor]).toEqual([0, 0]);
        if (Math.min(made.width, made.height) > factor)
          expect(made.width * made.height).toBeLessThanOrEqual(max);
      }),
    );
  });
  test("rounds half to even as Python does", () => {
    expect(sizeWithin({ width: 70, height: 98 }, 1, 1e9, 28)).toEqual({ width: 56, height: 112 });
  });
  test("refuses threads", () => {
    expect(() => sizeWithin({ width: 1000, height: 4 }, 1, 1e9, 28)).toThrow(/too thin/);
  });
});

describe("wantedSize", () => {
  const picture = { width: 640, height: 360 };
  test("keeps the picture's own size by default", () => {
    expect(wantedSize(picture, undefined)).toEqual(picture);
  });
  test("refuses sizes that are none", () => {
    for (const size of [
      { width: 0, height: 10 },
      { width: 1.5, height: 10 },
      { width: 20_000, height: 1 },
    ])
      expect(() => wantedSize(picture, size)).toThrow(/bad frame size/);
    expect(() => wantedSize(picture, { minPixels: 10, maxPixels: 5 })).toThrow(/bad bounds/);
  });
});

test("odd pictures repeat their last column and row", () => {
  const side = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(side, side, (width, height) => {
      const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) & 255);
      const padded = padToEven(rgb, width, height);
      const wide = evenSide(width);
      for (let y = 0; y < evenSide(height); y++)
        for (let x = 0; x < wide; x++)
          for (let c = 0; c < 3; c++) {
            const from = (Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 3 + c;
            expect(padded[(y * wide + x) * 3 + c]).toBe(rgb[from]);
          }
    }),
  );
});
