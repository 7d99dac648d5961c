import fc from "fast-check";
import { expect, test } from "vitest";
import { fittedSize } from "../../../src/selection/fitted-size.ts";

test("the shorter side becomes the edge, the longer one is cut to a whole number, as in transformers", () => {
  const config = { resample: 3, size: { shortest_edge: 224 } };
  // int(224 * 640 / 360) and int(224 * 641 / 360), as get_resize_output_image_size computes them.
  expect(fittedSize(config, 640, 360)).toEqual({ width: 398, height: 224 });
  expect(fittedSize(config, 360, 641)).toEqual({ width: 224, height: 398 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (width, height) => {
      const fitted = fittedSize(config, width, height)!;
      expect(Math.min(fitted.width, fitted.height)).toBe(224);
      expect(width <= height ? fitted.width : fitted.height).toBe(224);
    }),
  );
});

test("an exact size is taken; other filters and rules are left to the library", () => {
  expect(fittedSize({ resample: 3, size: { height: 8, width: 9 } }, 100, 50)).toEqual({
    width: 9,
    height: 8,
  });
  expect(fittedSize({ resample: 2, size: { height: 8, width: 9 } }, 100, 50)).toBeUndefined();
  expect(fittedSize({ resample: 3, do_resize: false, size: { height: 8, width: 9 } }, 1, 1)).toBeUndefined();
  expect(fittedSize({ resample: 3, size: 224 }, 100, 50)).toBeUndefined();
  expect(fittedSize({ resample: 3 }, 100, 50)).toBeUndefined();
});
