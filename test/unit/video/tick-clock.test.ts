import { expect, test } from "vitest";
import { TickClock } from "../../../src/video/worker/write-job.ts";

const ticksOf = (clock: TickClock, times: readonly number[]): number[] =>
  times.map((time) => clock.next(time));

test("frames at one time are an error, or follow one another by a tick", () => {
  const times = [5, 5.04, 5.04, 5.04, 5.08];
  expect(() => ticksOf(new TickClock(1000), times)).toThrow(/must ascend/);
  const clock = new TickClock(1000, true);
  expect(ticksOf(clock, times)).toEqual([0, 40, 41, 42, 80]);
  expect(clock.end(undefined)).toBe(118);
});
