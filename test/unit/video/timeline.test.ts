import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  endOf,
  frameAt,
  indicesForCount,
  indicesForFps,
  indicesInRange,
  timelineFromTimes,
  timeTolerance,
} from "../../../src/video/timeline.ts";
import type { Timeline } from "../../../src/video/types.ts";

/** Timelines with gaps from 1 ms to 4 s. */
const timelines = fc
  .array(fc.integer({ min: 1, max: 4000 }), { minLength: 0, maxLength: 60 })
  .map((gaps): Timeline => {
    const times = [0];
    for (const gap of gaps) times.push(times.at(-1)! + gap / 1000);
    return timelineFromTimes(times);
  });

describe("frameAt", () => {
  test("is the last frame that begins at or before the time", () => {
    fc.assert(
      fc.property(timelines, fc.double({ min: 0, max: 250, noNaN: true }), (timeline, time) => {
        const naive = timeline.filter((frame) => frame.timeSeconds <= time + timeTolerance).at(-1)!;
        expect(frameAt(time, timeline)).toBe(naive.index);
      }),
    );
  });
  test("finds every frame by its own time, also printed with six decimals", () => {
    fc.assert(
      fc.property(timelines, (timeline) => {
        for (const { index, timeSeconds } of timeline) {
          expect(frameAt(timeSeconds, timeline)).toBe(index);
          expect(frameAt(Number(timeSeconds.toFixed(6)), timeline)).toBe(index);
        }
      }),
    );
  });
});

describe("indicesForFps", () => {
  test("are the frames shown on the grid, ascending, none twice", () => {
    fc.assert(
      fc.property(timelines, fc.double({ min: 0.05, max: 200, noNaN: true }), (timeline, fps) => {
        const naive = new Set<number>();
        const last = timeline.at(-1)!.timeSeconds;
        for (let k = 0; k / fps <= last + timeTolerance; k++) naive.add(frameAt(k / fps, timeline));
        expect(indicesForFps(timeline, fps)).toEqual([...naive].sort((a, b) => a - b));
      }),
    );
  });
  test("take 10 of 10 seconds at 30 frames a second and 1 a second", () => {
    const timeline = timelineFromTimes(Array.from({ length: 300 }, (_, i) => i / 30));
    expect(indicesForFps(timeline, 1)).toEqual([0, 30, 60, 90, 120, 150, 180, 210, 240, 270]);
  });
  test("stay inside a range", () => {
    const timeline = timelineFromTimes(Array.from({ length: 100 }, (_, i) => i / 10));
    expect(indicesForFps(timeline, 2, { startSeconds: 2, endSeconds: 4 })).toEqual([20, 25, 30, 35]);
  });
  test("take no longer when a damaged clip goes on for thousands of years", () => {
    const timeline = timelineFromTimes([0, 0.04, 1e11, 1e11 + 1, 9e12]);
    const started = performance.now();
    expect(indicesForFps(timeline, 1)).toEqual([0, 1, 2, 3, 4]);
    expect(indicesForFps(timeline, 60).at(-1)).toBe(4);
    expect(performance.now() - started).toBeLessThan(1000);
  });
  test("refuse what is no rate", () => {
    for (const fps of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => indicesForFps(timelineFromTimes([0]), fps)).toThrow(/not a frame rate/);
  });
});

describe("indicesForCount", () => {
  test("give at most so many, all of a short clip, and the middles of equal spans", () => {
    fc.assert(
      fc.property(timelines, fc.integer({ min: 1, max: 80 }), (timeline, count) => {
        const chosen = indicesForCount(timeline, count);
        expect(chosen.length).toBeLessThanOrEqual(Math.max(count, 0));
        expect(chosen.length).toBeGreaterThan(0);
        expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
        if (timeline.length <= count) expect(chosen).toEqual(timeline.map((_, i) => i));
      }),
    );
  });
  test("spread four frames over eight", () => {
    expect(indicesForCount(timelineFromTimes([0, 1, 2, 3, 4, 5, 6, 7]), 4)).toEqual([1, 3, 5, 7]);
  });
  test("refuse what is no number of frames", () => {
    for (const count of [0, -1, 1.5]) expect(() => indicesForCount(timelineFromTimes([0]), count)).toThrow();
  });
});

test("a range holds the frame shown at its start and those that begin before its end", () => {
  const timeline = timelineFromTimes([0, 1, 2, 3, 4]);
  expect(indicesInRange(timeline, { startSeconds: 1.5, endSeconds: 3 })).toEqual([1, 2]);
  expect(indicesInRange(timeline, undefined)).toEqual([0, 1, 2, 3, 4]);
});

test("the last frame lasts as long as the one before it", () => {
  expect(endOf(timelineFromTimes([0, 1, 3]))).toBe(5);
  expect(endOf(timelineFromTimes([7]))).toBe(0);
  expect(endOf([])).toBe(0);
});
