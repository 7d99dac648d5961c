import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { vectorJacobianProduct } from "../../../src/graph/differentiate.ts";
import { input } from "../../../src/graph/ops/inputs.ts";
import { attend, maskPieces } from "../../../src/model/attention.ts";
import { interpret } from "../../interpret.ts";

const sizes = { heads: 4, kvHeads: 2, headDim: 4 };

test.each([39, 80, 121, 200])("pieces of a causal mask of %i positions cover it once", (length) => {
  const pieces = maskPieces(input("mask", [2, 1, length, length]));
  expect(pieces.length).toBe(Math.max(1, Math.min(4, Math.floor(length / 40))));
  expect(pieces[0]!.start).toBe(0);
  expect(pieces.at(-1)!.end).toBe(length);
  pieces.forEach(({ start, end, mask }, i) => {
    if (i > 0) expect(start).toBe(pieces[i - 1]!.end);
    expect(mask.shape).toEqual([2, 1, end - start, end]);
  });
});

test("attention in pieces equals attention at once and a plain loop, with its gradients", () => {
  const [sequences, length] = [2, 83];
  const rows = sequences * length;
  const random = seededRandom("attention");
  const widths = { query: 16, key: 8, value: 8 };
  const feeds: Record<string, number[]> = {};
  const declare = (name: string, width: number): ReturnType<typeof input> => {
    feeds[name] = Array.from({ length: rows * width }, () => random.normal());
    return input(name, [rows, width]);
  };
  const parts = {
    query: declare("query", widths.query),
    key: declare("key", widths.key),
    value: declare("value", widths.value),
  };
  // Causal, and some earlier positions hidden too, as segments behind a prefix are.
  const hidden = (b: number, to: number, from: number): boolean =>
    from > to || (from % 5 === b && from !== to);
  feeds["mask"] = Array.from({ length: sequences * length * length }, (_, at) =>
    hidden(Math.floor(at / length ** 2), Math.floor(at / length) % length, at % length) ? -1e9 : 0,
  );
  const mask = input("mask", [sequences, 1, length, length]);
  const cotangent = declare("cotangent", widths.query);
  const results = [maskPieces(mask), [{ from: 0, start: 0, end: length, mask }]].map((pieces) => {
    const output = attend(parts, length, sizes, pieces);
    const wrt = [parts.query, parts.key, parts.value];
    const gradients = vectorJacobianProduct([{ output, cotangent }], wrt).map((value) => value!);
    return interpret([output, ...gradients], feeds);
  });
  results[0]!.forEach(({ data }, i) => {
    data.forEach((value, j) => {
      expect(Math.abs(value - results[1]![i]!.data[j]!)).toBeLessThan(1e-10);
    });
  });
  const at = (name: keyof typeof widths, b: number, t: number, head: number, d: number): number =>
    feeds[name]![(b * length + t) * widths[name] + head * 4 + d]!;
  const dims = [0, 1, 2, 3];
  for (const [b, t, head] of [
    [0, 0, 0],
    [1, 41, 3],
    [0, 82, 2],
  ] as const) {
    const scores = Array.from({ length }, (_, from) =>
      hidden(b, t, from)
        ? Number.NEGATIVE_INFINITY
        : dims.reduce((sum, d) => sum + at("query", b, t, head, d) * at("key", b, from, head >> 1, d), 0) / 2,
    );
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    for (const d of dims) {
      const mixed = scores.reduce(
        (sum, score, from) => sum + (Math.exp(score) / total) * at("value", b, from, head >> 1, d),
        0,
      );
      expect(results[0]![0]!.data[(b * length + t) * 16 + head * 4 + d]).toBeCloseTo(mixed, 9);
    }
  }
});

test("parts that see nothing before them are computed apart, short ones with those before them", () => {
  const length = 200;
  const mask = input("mask", [1, 1, length, length]);
  const pieces = maskPieces(mask, [90, 100, 195]);
  expect(new Set(pieces.map(({ from }) => from))).toEqual(new Set([0, 100]));
  expect(pieces.filter(({ from }) => from === 100).map(({ start, end }) => [start, end])).toEqual([
    [100, 150],
    [150, 200],
  ]);
  for (const { from, start, end, mask: own } of pieces)
    expect(own.shape).toEqual([1, 1, end - start, end - from]);
  const random = seededRandom("sections");
  const feeds: Record<string, number[]> = {};
  const declare = (name: string, width: number): ReturnType<typeof input> => {
    feeds[name] = Array.from({ length: length * width }, () => random.normal());
    return input(name, [length, width]);
  };
  const parts = { query: declare("query", 16), key: declare("key", 8), value: declare("value", 8) };
  const section = (at: number): number => [90, 100, 195].filter((start) => at >= start).length;
  feeds["mask"] = Array.from({ length: length ** 2 }, (_, at) => {
    const [to, from] = [Math.floor(at / length), at % length];
    return from > to || section(from) !== section(to) ? -1e9 : 0;
  });
  const cotangent = declare("cotangent", 16);
  const [cut, whole] = [pieces, [{ from: 0, start: 0, end: length, mask }]].map((some) => {
    const output = attend(parts, length, sizes, some);
    const wrt = [parts.query, parts.key, parts.value];
    const gradients = vectorJacobianProduct([{ output, cotangent }], wrt).map((value) => value!);
    return interpret([output, ...gradients], feeds);
  });
  cut!.forEach(({ data }, i) => {
    const worst = Math.max(...data.map((value, j) => Math.abs(value - whole![i]!.data[j]!)));
    expect(worst).toBeLessThan(1e-10);
  });
});
