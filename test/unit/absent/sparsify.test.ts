import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sparsifiedIndices } from "../../../src/absent/sparsify.ts";
import type { Timeline } from "../../../src/video/types.ts";

const timeline = (count: number, fps: number): Timeline =>
  Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / fps })) as unknown as Timeline;

describe("sparsifiedIndices", () => {
  it("lowers a quarter of key time to about five percent", () => {
    const events = [{ startSeconds: 6, endSeconds: 11 }];
    const result = sparsifiedIndices(timeline(500, 25), 20, events, 0.05, 8);
    expect(result.keyShare).toBeGreaterThan(0.04);
    expect(result.keyShare).toBeLessThan(0.06);
    expect(result.reached).toBe(true);
    expect(result.otherFps).toBeCloseTo(8, 0);
  });

  /** Frames at uneven times. */
  const uneven = (gaps: readonly number[]): Timeline => {
    let timeSeconds = 0;
    return gaps.map((gap, index) => {
      const frame = { index, timeSeconds };
      timeSeconds += gap;
      return frame;
    }) as unknown as Timeline;
  };
  const span = fc
    .tuple(fc.double({ min: 0, max: 9, noNaN: true }), fc.double({ min: 0.01, max: 1.5, noNaN: true }))
    .map(([start, length]) => ({ startSeconds: start, endSeconds: start + length }));

  it("keeps a frame of every event that has one, overlapping or not; ascending, unique, at uneven times", () => {
    fc.assert(
      fc.property(
        fc.array(span, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.array(fc.double({ min: 0.005, max: 0.3, noNaN: true }), { minLength: 60, maxLength: 120 }),
        (events, target, gaps) => {
          const frames = uneven(gaps);
          const duration = Math.max(12, frames.at(-1)!.timeSeconds);
          const result = sparsifiedIndices(frames, duration, events, target, 6);
          expect([...result.indices]).toEqual([...new Set(result.indices)].sort((a, b) => a - b));
          const within = (index: number, { startSeconds, endSeconds }: (typeof events)[number]): boolean =>
            frames[index]!.timeSeconds >= startSeconds && frames[index]!.timeSeconds < endSeconds;
          for (const event of events) {
            const possible = frames.some((_, index) => within(index, event));
            expect(result.indices.some((index) => within(index, event))).toBe(possible);
          }
          const keys = result.indices.filter((index) => events.some((event) => within(index, event)));
          expect(result.keyShare).toBeCloseTo(keys.length / result.indices.length, 9);
        },
      ),
    );
  });

  it("has no more key frames than asked for, except the one that every event gets", () => {
    fc.assert(
      fc.property(
        fc.array(span, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 8 }),
        (events, fps) => {
          const result = sparsifiedIndices(timeline(300, 25), 12, events, 0.05, fps);
          const keys = Math.round(result.keyShare * result.indices.length);
          const others = result.indices.length - keys;
          expect(keys).toBeLessThanOrEqual(Math.max(1, (0.05 * others) / 0.95) + 2 * events.length);
        },
      ),
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
