import { expect, test } from "vitest";
import { resolveRequest } from "../../../src/video/resolve-request.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";

const timeline = timelineFromTimes([0, 0.5, 1, 1.5, 2]);

test("indices and times come out ascending, none twice, inside the range", () => {
  const indices = { kind: "indices", indices: [4, 0, 2, 2] } as const;
  expect([...resolveRequest({ select: indices }, timeline)]).toEqual([0, 2, 4]);
  const times = { kind: "times", timesSeconds: [1.9, 0.1, 2.5] } as const;
  expect([...resolveRequest({ select: times }, timeline)]).toEqual([0, 3, 4]);
  const range = { startSeconds: 0.5, endSeconds: 1.5 };
  expect([...resolveRequest({ select: { kind: "all" }, range }, timeline)]).toEqual([1, 2]);
  expect([...resolveRequest({ select: indices, range }, timeline)]).toEqual([2]);
});

test("what is not there is refused", () => {
  for (const indices of [[5], [-1], [0.5]])
    expect(() => resolveRequest({ select: { kind: "indices", indices } }, timeline)).toThrow(/no such frame/);
  for (const timesSeconds of [[-1], [Number.NaN]])
    expect(() => resolveRequest({ select: { kind: "times", timesSeconds } }, timeline)).toThrow(/not a time/);
});

test("what lies behind the end is refused with the clip's length", () => {
  const at = (time: number) => ({ select: { kind: "times", timesSeconds: [time] } }) as const;
  const from = (startSeconds: number) =>
    ({ select: { kind: "fps", fps: 1 }, range: { startSeconds, endSeconds: 1e9 } }) as const;
  expect(() => resolveRequest(at(2.6), timeline)).toThrow(
    /behind the end of the clip; expected 0 to 2\.500 s/,
  );
  expect(() => resolveRequest(at(2.6), timeline, 2.55)).toThrow(/0 to 2\.550 s; got 2\.6 s/);
  expect([...resolveRequest(at(2.6), timeline, 4)]).toEqual([4]);
  expect([...resolveRequest(at(2.5004), timeline)]).toEqual([4]);
  expect(() => resolveRequest(from(2.5), timeline)).toThrow(/range behind the end.*below 2\.500 s/);
  expect([...resolveRequest(from(2.4), timeline)]).toEqual([4]);
  expect([...resolveRequest(from(0), timelineFromTimes([0]))]).toEqual([0]);
});

test("equal spans end with the last frame, whose length is its own", () => {
  // 0.1 s a frame, a pause of 8 s, and a last frame of 0.1 s.
  const pausing = timelineFromTimes([...Array.from({ length: 121 }, (_, i) => i / 10), 20]);
  const count = (durationSeconds?: number): number[] => [
    ...resolveRequest({ select: { kind: "count", count: 10 } }, pausing, durationSeconds),
  ];
  const middles = Array.from({ length: 10 }, (_, k) => (20.1 * (k + 0.5)) / 10);
  const expected = [...new Set(middles.map((time) => Math.min(Math.floor(time * 10 + 1e-9), 120)))];
  expect(count(20.1)).toEqual(expected);
  expect(count()).toEqual(expected);
});
