import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axisWeights, resizePicture, resizePlan } from "../../../src/video/pillow-bicubic.ts";

/** One axis of one channel, written as the definition says; `line` in 0..255, result rounded and clipped. */
const resizeLine = (line: readonly number[], size: number): number[] => {
  if (line.length === size) return [...line];
  const { first, count, taps, weights } = axisWeights(line.length, size);
  return Array.from({ length: size }, (_, i) => {
    let sum = 1 << 21;
    for (let k = 0; k < count[i]!; k++) sum += line[first[i]! + k]! * weights[i * taps + k]!;
    return Math.min(255, Math.max(0, Math.floor(sum / (1 << 22))));
  });
};

const channel = (rgb: Uint8Array, width: number, height: number, c: number): number[][] =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => rgb[(y * width + x) * 3 + c]!),
  );

const transposed = (rows: readonly (readonly number[])[]): number[][] =>
  rows[0]!.map((_, x) => rows.map((row) => row[x]!));

describe("resizePicture", () => {
  test("equals two naive passes in Pillow's order", () => {
    const side = fc.integer({ min: 1, max: 14 });
    const generation = fc.constantFrom("pillow-12" as const, "pillow-13" as const);
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        generation,
        fc.infiniteStream(fc.nat(255)),
        (w, h, w2, h2, whose, bytes) => {
          const rgb = Uint8Array.from({ length: w * h * 3 }, () => bytes.next().value as number);
          const output = new Uint8Array(w2 * h2 * 3);
          resizePicture(rgb, resizePlan(w, h, w2, h2, whose), output);
          const columnsFirst = whose === "pillow-13" && h - h2 > 0 && h - h2 > (w - w2) * 2;
          for (let c = 0; c < 3; c++) {
            const rows = (picture: number[][]): number[][] => picture.map((row) => resizeLine(row, w2));
            const columns = (picture: number[][]): number[][] =>
              transposed(transposed(picture).map((column) => resizeLine(column, h2)));
            const source = channel(rgb, w, h, c);
            const expected = columnsFirst ? rows(columns(source)) : columns(rows(source));
            expect(channel(output, w2, h2, c)).toEqual(expected);
          }
        },
      ),
    );
  });
  test("keeps a flat picture flat", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(255),
        (from, to, value) => {
          const output = new Uint8Array(to * to * 3);
          resizePicture(new Uint8Array(from * from * 3).fill(value), resizePlan(from, from, to, to), output);
          expect(output.every((byte) => byte === value)).toBe(true);
        },
      ),
    );
  });
});

test("weights of every output add up to one within their rounding", () => {
  const side = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(side, side, (from, to) => {
      const { weights, taps, count, first } = axisWeights(from, to);
      for (let i = 0; i < to; i++) {
        let sum = 0;
        for (let k = 0; k < count[i]!; k++) sum += weights[i * taps + k]!;
        expect(Math.abs(sum - (1 << 22))).toBeLessThanOrEqual(count[i]!);
        expect(first[i]! + count[i]!).toBeLessThanOrEqual(from);
      }
    }),
  );
});
