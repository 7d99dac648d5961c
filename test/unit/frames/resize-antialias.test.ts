import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { resizeAntialias } from "../../../src/frames/resize-antialias.ts";

const side = fc.integer({ min: 1, max: 24 });

test("one colour stays that colour, whatever the sizes", () => {
  fc.assert(
    fc.property(side, side, side, side, fc.nat(255), (width, height, toWidth, toHeight, colour) => {
      const made = resizeAntialias(
        new Uint8Array(width * height * 3).fill(colour),
        width,
        height,
        toWidth,
        toHeight,
      );
      expect(made).toEqual(new Uint8Array(toWidth * toHeight * 3).fill(colour));
    }),
  );
});

test("the same size changes nothing, and mirroring goes through", () => {
  fc.assert(
    fc.property(
      side,
      side,
      side,
      side,
      fc.infiniteStream(fc.nat(255)),
      (width, height, toWidth, toHeight, stream) => {
        const rgb = Uint8Array.from({ length: width * height * 3 }, () => stream.next().value as number);
        expect(resizeAntialias(rgb, width, height, width, height)).toEqual(rgb);
        const turned = (pixels: Uint8Array): number[] => {
          const list = Array.from({ length: pixels.length / 3 }, (_, at) => [
            ...pixels.subarray(3 * at, 3 * at + 3),
          ]);
          return list.toReversed().flat();
        };
        const straight = turned(resizeAntialias(rgb, width, height, toWidth, toHeight));
        const mirrored = resizeAntialias(Uint8Array.from(turned(rgb)), width, height, toWidth, toHeight);
        for (const [at, value] of straight.entries())
          expect(Math.abs(value - mirrored[at]!)).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 50 },
  );
});

test("hard edges: the numbers of torchvision", () => {
  // F.resize(torch.tensor(v, dtype=uint8), [2, 2], BICUBIC, antialias=True) of torchvision 0.27.1; v[y][x] as below
  const rgb = new Uint8Array(5 * 5 * 3);
  for (let y = 0; y < 5; y++)
    for (let x = 0; x < 5; x++)
      rgb.fill((x * 7 + y * 3) % 4 < 2 ? 255 : 0, (y * 5 + x) * 3, (y * 5 + x) * 3 + 3);
  const made = resizeAntialias(rgb, 5, 5, 2, 2);
  expect([0, 3, 6, 9].map((at) => made[at])).toEqual([102, 147, 147, 117]);
});

test.each([
  [[224, 224, 168, 168], "d28e401857c0e02b"],
  [[333, 95, 336, 84], "877371c900c30811"],
  [[56, 57, 112, 28], "774712eaf0970b4f"],
] as const)(
  "%j: values between two levels fall as torchvision's do",
  ([height, width, toHeight, toWidth], sha) => {
    // Sums in another order, or in more digits, are a level away in about 10 values of the first two.
    const rgb = Uint8Array.from(
      { length: height * width * 3 },
      (_, at) => ((at * at * 7919 + at * 104729) % 65521) % 256,
    );
    const made = resizeAntialias(rgb, width, height, toWidth, toHeight);
    expect(createHash("sha256").update(made).digest("hex").slice(0, 16)).toBe(sha);
  },
);
