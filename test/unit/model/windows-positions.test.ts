import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid } from "../../../src/frames/grid.ts";
import type { PositionRule } from "../../../src/model/position-rule.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import type { Qwen25VLConfig } from "../../../src/model/qwen2_5_vl/config.ts";
import { windowLayout } from "../../../src/model/qwen2_5_vl/windows.ts";
import { smallConfig } from "./small-config.ts";

const positionRules: readonly PositionRule[] = [
  "trained",
  "transformers-4.52",
  "transformers-5.8",
  "transformers-5.23",
];

const config: Qwen25VLConfig = smallConfig();
const { image, video } = config.tokens;
const grid: fc.Arbitrary<Grid> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .map(([t, h, w]) => [t, 2 * h, 2 * w]);

describe("window order", () => {
  test("is a permutation with its inverse, in windows that are never empty and stay in their step", () => {
    fc.assert(
      fc.property(fc.array(grid, { maxLength: 3 }), fc.constantFrom(28, 56, 84, 112), (grids, windowSize) => {
        const layout = windowLayout(grids, { patchSize: 14, spatialMergeSize: 2, windowSize });
        expect([...layout.windowIndex_U].sort((a, b) => a - b)).toEqual([...layout.windowIndex_U.keys()]);
        layout.windowIndex_U.forEach((unit, at) => {
          expect(layout.windowInverse_U[unit]).toBe(at);
        });
        const windows = [...layout.windowOffsets_W1];
        expect(windows.at(-1)).toBe(layout.patches);
        const stepOf = (unit: number): number =>
          layout.stepOffsets_S1.findLastIndex((start) => start <= unit * 4);
        for (let w = 1; w < windows.length; w++) {
          expect(windows[w]!).toBeGreaterThan(windows[w - 1]!);
          expect(windows[w]! - windows[w - 1]!).toBeLessThanOrEqual((windowSize / 14) ** 2);
          const units = layout.windowIndex_U.subarray(windows[w - 1]! / 4, windows[w]! / 4);
          expect(new Set([...units].map(stepOf)).size).toBe(1);
          const places = [...units].map(
            (unit) => [layout.places_P2[unit * 8]!, layout.places_P2[unit * 8 + 1]!] as const,
          );
          const spans = [0, 1].map(
            (axis) => Math.max(...places.map((p) => p[axis]!)) - Math.min(...places.map((p) => p[axis]!)),
          );
          for (const span of spans) expect(span).toBeLessThan(windowSize / 14);
        }
      }),
      { numRuns: 60 },
    );
  });
  test("refuses grids that are not made of whole units", () => {
    for (const bad of [
      [1, 3, 4],
      [0, 2, 2],
      [1, 2.5, 2],
      [1, 2],
    ] as unknown as Grid[])
      expect(() => windowLayout([bad], config.vision)).toThrow(/grid of a visual/);
  });
});

describe("positions", () => {
  test("text alone counts up, under every rule and any left padding", () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(...positionRules),
        (padding, length, rule) => {
          const columns = padding + length;
          const mask = Array.from({ length: columns }, (_, i) => (i < padding ? 0 : 1));
          const made = positionsOf(
            { rows: 1, columns, inputIds_BT: new Int32Array(columns).fill(5), attentionMask_BT: mask },
            config,
            rule,
          );
          for (let part = 0; part < 3; part++)
            expect([...made.positions_3BT.subarray(part * columns + padding, (part + 1) * columns)]).toEqual([
              ...Array(length).keys(),
            ]);
          expect(made.next_B[0]).toBe(length);
        },
      ),
    );
  });
  test("under the trained rule nothing that follows a visual lies at or before any part of it", () => {
    fc.assert(
      fc.property(
        fc.array(grid, { minLength: 1, maxLength: 3 }),
        fc.float({ min: Math.fround(0.1), max: 3, noNaN: true }),
        (grids, seconds) => {
          const ids = grids.flatMap(([t, h, w]) => [7, ...Array<number>((t * h * w) / 4).fill(video), 8]);
          const made = positionsOf(
            {
              rows: 1,
              columns: ids.length,
              inputIds_BT: ids,
              videoGrids: grids,
              secondsPerGrid: grids.map(() => seconds),
            },
            config,
          );
          let largest = -1;
          ids.forEach((id, at) => {
            const parts = [0, 1, 2].map((part) => made.positions_3BT[part * ids.length + at]!);
            if (id !== video) for (const part of parts) expect(part).toBe(largest + 1);
            largest = Math.max(largest, ...parts);
          });
          expect(made.next_B[0]).toBe(largest + 1);
        },
      ),
      { numRuns: 60 },
    );
  });
  test("half a second a step: trained tells the steps apart, 4.52 does not, 5.x puts the text inside the clip", () => {
    const ids = [7, ...Array<number>(6).fill(video), 8];
    const times = (rule: PositionRule): number[] => [
      ...positionsOf(
        { rows: 1, columns: 8, inputIds_BT: ids, videoGrids: [[6, 2, 2]], secondsPerGrid: [0.5] },
        config,
        rule,
      ).positions_3BT.subarray(0, 8),
    ];
    expect(times("trained")).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(times("transformers-4.52")).toEqual([0, 1, 1, 1, 1, 1, 1, 2]);
    expect(times("transformers-5.8")).toEqual([0, 1, 1, 1, 1, 1, 1, 2]);
    expect(times("transformers-5.23")).toEqual([0, 1, 2, 3, 4, 5, 6, 2]);
  });
  test("an image has no time", () => {
    const made = positionsOf(
      { rows: 1, columns: 5, inputIds_BT: [image, image, 9, 9, 9], imageGrids: [[1, 2, 4]] },
      config,
    );
    expect([...made.positions_3BT]).toEqual([0, 0, 2, 3, 4, 0, 0, 2, 3, 4, 0, 1, 2, 3, 4]);
  });
  test("names placeholders and grids that do not fit", () => {
    const row = { rows: 1, columns: 3, inputIds_BT: [video, video, 5] };
    expect(() => positionsOf(row, config)).toThrow(/video placeholder without a grid: row 0/);
    expect(() => positionsOf({ ...row, videoGrids: [[1, 2, 6]] }, config)).toThrow(
      /placeholders of video 0: row 0; expected 3 for grid \[1,2,6\]; got 2/,
    );
    expect(() =>
      positionsOf(
        {
          ...row,
          videoGrids: [
            [1, 2, 4],
            [1, 2, 2],
          ],
        },
        config,
      ),
    ).toThrow(/more grids than placeholders/);
    expect(() => positionsOf({ ...row, columns: 4 }, config)).toThrow(/token ids and mask/);
  });
});
