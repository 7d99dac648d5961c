import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roundHalfEven } from "../../../src/core/python-numbers.ts";
import {
  arangeTrunc,
  innerPoints,
  linspaceRound,
  linspaceTrunc,
  longVideoBench,
  segmentMiddles,
} from "../../../src/selection/frame-conventions.ts";

/** Numbers from running the published Python code (numpy), (count, total) = (8, 100), (8, 250), (4, 10). */
describe("frame conventions", () => {
  it.each([
    [
      "linspace_trunc",
      linspaceTrunc,
      [0, 14, 28, 42, 56, 70, 84, 99],
      [0, 35, 71, 106, 142, 177, 213, 249],
      [0, 3, 6, 9],
    ],
    [
      "vk_inner",
      innerPoints,
      [11, 22, 33, 44, 55, 66, 77, 88],
      [27, 55, 83, 111, 138, 166, 194, 222],
      [2, 4, 6, 8],
    ],
    [
      "mvbench_segment",
      segmentMiddles,
      [6, 18, 31, 43, 56, 68, 80, 93],
      [15, 46, 77, 108, 139, 171, 202, 233],
      [1, 3, 5, 8],
    ],
    [
      "vru_arange",
      arangeTrunc,
      [0, 12, 25, 37, 50, 62, 75, 87],
      [0, 31, 62, 93, 125, 156, 187, 218],
      [0, 2, 5, 7],
    ],
  ] as const)("%s", (_, rule, of100, of250, of10) => {
    expect(rule(100, 8)).toEqual(of100);
    expect(rule(250, 8)).toEqual(of250);
    expect(rule(10, 4)).toEqual(of10);
  });

  it("mvbench_segment keeps to bounds in seconds", () => {
    expect(segmentMiddles(1000, 8, { startSeconds: 2, endSeconds: 5, fps: 30 })).toEqual([
      65, 76, 87, 99, 110, 121, 133, 144,
    ]);
  });

  it("vru_arange rounds its step first, as numpy does", () => {
    // np.arange(0, 53344, 53344 / 48).astype(int)[27]
    expect(arangeTrunc(53_344, 48)[27]).toBe(30_005);
  });

  it("every index lies within the clip, in order", () => {
    const rules = [linspaceTrunc, innerPoints, segmentMiddles, arangeTrunc, linspaceRound];
    const sizes = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 64 }));
    fc.assert(
      fc.property(fc.constantFrom(...rules), sizes, (rule, [total, count]) => {
        const made = rule(total, count);
        expect(made).toHaveLength(count);
        made.forEach((index, at) => {
          expect(index).toBeGreaterThanOrEqual(made[at - 1] ?? 0);
          expect(index).toBeLessThan(total);
        });
      }),
    );
  });

  it("lvb takes at most one frame a second", () => {
    expect(longVideoBench(10.01, 29.97, 16)).toEqual([0, 29, 58, 87, 116, 145, 174, 203, 232, 261]);
    expect(longVideoBench(30, 30, 4)).toEqual([0, 225, 450, 675]);
  });

  it("qwen rounds half to even and hits both ends", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 3]);
    expect(linspaceRound(10, 4)).toEqual([0, 3, 6, 9]);
    expect(linspaceRound(16, 4)).toEqual([0, 5, 10, 15]);
    for (const total of [2, 7, 100, 3000]) {
      const chosen = linspaceRound(total, 12);
      expect([chosen[0], chosen[11]]).toEqual([0, total - 1]);
    }
  });
});
