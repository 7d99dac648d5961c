import { expect, test } from "vitest";
import { resolveRequest } from "../../../src/video/resolve-request.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";

const timeline = timelineFromTimes([0, 0.5, 1, 1.5, 2]);

test("indices and times come out ascending, none twice, inside the range", () => {
  const indices = { kind: "indices", indices: [4, 0, 2, 2] } as const;
  expect([...resolveRequest({ select: indices }, timeline)]).toEqual([0, 2, 4]);
  const times = { kind: "times", timesSeconds: [1.9, 0.1, 99] } as const;
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
