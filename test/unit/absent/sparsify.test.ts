import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyShareOf, solvedKeyFps, sparsifiedIndices } from "../../../src/absent/sparsify.ts";
import type { Timeline } from "../../../src/video/types.ts";

const timeline = (count: number, fps: number): Timeline =>
  Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / fps })) as unknown as Timeline;

describe("rates", () => {
  it("are the worked examples of the formula", () => {
    expect(solvedKeyFps(0.25, 0.05, 8)).toBeCloseTo(1.263, 3);
    expect(keyShareOf(0.25, 1.2632, 8)).toBeCloseTo(0.05, 4);
    expect(keyShareOf(0.25, 1, 8)).toBeCloseTo(0.04, 3);
    expect(keyShareOf(0.3, 1, 8)).toBeCloseTo(0.051, 3);
    expect(keyShareOf(0, 0, 0)).toBe(0);
  });

  it("solve the formula", () => {
    const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.double({ min: 0.1, max: 60, noNaN: true }), (keyTime, target, fps) => {
        expect(keyShareOf(keyTime, solvedKeyFps(keyTime, target, fps), fps)).toBeCloseTo(target, 9);
      }),
    );
    expect(() => solvedKeyFps(0, 0.05, 8)).toThrow("cannot solve for a key rate");
  });
});

describe("sparsifiedIndices", () => {
  it("lowers a quarter of key time to about five percent", () => {
    const events = [{ startSeconds: 6, endSeconds: 11 }];
    const result = sparsifiedIndices(timeline(500, 25), 20, events, 0.05, 8);
    expect(result.keyShare).toBeGreaterThan(0.04);
    expect(result.keyShare).toBeLessThan(0.06);
    expect(result.reached).toBe(true);
    expect(result.otherFps).toBeCloseTo(8, 0);
  });

  it("keeps at least one frame an event, true frames only, ascending and unique", () => {
    const spans = fc.array(
      fc.tuple(fc.double({ min: 0, max: 8, noNaN: true }), fc.double({ min: 0.2, max: 1.5, noNaN: true })),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(spans, fc.double({ min: 0.01, max: 0.5, noNaN: true }), (raw, target) => {
        const events = raw.map(([start, length]) => ({ startSeconds: start, endSeconds: start + length }));
        const result = sparsifiedIndices(timeline(300, 25), 12, events, target, 6);
        expect([...result.indices]).toEqual([...new Set(result.indices)].sort((a, b) => a - b));
        for (const index of result.indices) expect(index >= 0 && index < 300).toBe(true);
        for (const { startSeconds, endSeconds } of events) {
          const merged = events.filter((e) => e.startSeconds <= endSeconds && e.endSeconds >= startSeconds);
          const from = Math.min(...merged.map((e) => e.startSeconds));
          const to = Math.max(...merged.map((e) => e.endSeconds));
          const all = events.some((e) => e.startSeconds < from || e.endSeconds > to);
          if (!all || merged.length === 1)
            expect(result.indices.some((index) => index / 25 >= from - 0.041 && index / 25 < to)).toBe(true);
        }
      }),
    );
  });

  it("says what is missing", () => {
    expect(() => sparsifiedIndices(timeline(50, 25), 2, [], 0.05, 8)).toThrow(
      "cannot sparsify; expected events that cover part of the clip; got 0 spans",
    );
    expect(() =>
      sparsifiedIndices(timeline(50, 25), 2, [{ startSeconds: 0, endSeconds: 3 }], 0.05, 8),
    ).toThrow("2.00 of 2.00 s");
  });
});
