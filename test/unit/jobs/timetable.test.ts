import fc from "fast-check";
import { expect, test } from "vitest";
import { type Progress, silentProgress } from "../../../src/core/progress.ts";
import { aboutTime, Timetable } from "../../../src/jobs/timetable.ts";

const parts = [
  { label: "a", expectedSeconds: 10 },
  { label: "b", expectedSeconds: 20 },
  { label: "c", expectedSeconds: 5 },
];
/** A timetable with a clock that stands until it is moved. */
const atRest = (): {
  timetable: Timetable;
  watch: (label: string) => Progress;
  pass: (seconds: number) => void;
} => {
  let now = 100;
  const timetable = new Timetable(parts, () => now);
  return {
    timetable,
    watch: (label) => timetable.watch(label, silentProgress),
    pass: (seconds) => {
      now += seconds;
    },
  };
};

test("before anything is known, what was expected; then as fast as this machine is", () => {
  const { timetable, watch, pass } = atRest();
  expect(timetable.secondsLeft()).toBe(35);
  const a = watch("a");
  a.update(0, 10);
  expect(timetable.secondsLeft()).toBe(35);
  pass(10);
  a.update(5, 10); // Twice as slow as expected.
  expect(timetable.secondsLeft()).toBe(10 + 40 + 10);
  pass(10);
  a.update(10, 10);
  watch("b").update(0, 20);
  expect(timetable.secondsLeft()).toBe(50);
  pass(20);
  watch("b").update(20, 20); // As fast as expected: so the whole is 40 s for 30.
  watch("c").update(0, 1);
  expect(timetable.secondsLeft()).toBeCloseTo((5 * 40) / 30);
  pass(3);
  watch("c").update(1, 1);
  expect(timetable.secondsLeft()).toBe(0);
});

test("what an earlier call has done costs nothing and teaches nothing", () => {
  const { timetable, watch, pass } = atRest();
  watch("b").update(15, 20); // a was done before, b for the most part.
  expect(timetable.secondsLeft()).toBe(5 + 5);
  pass(5);
  watch("b").update(20, 20);
  expect(timetable.secondsLeft()).toBe(5);
  watch("a").update(1, 10); // Late news of an earlier part.
  expect(timetable.secondsLeft()).toBe(5);
});

test("on a machine that is slower by any factor, all times are right from the moment that it shows", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 50, noNaN: true }), (factor) => {
      const { timetable, watch, pass } = atRest();
      let left = factor * 35;
      for (const { label, expectedSeconds } of parts) {
        const progress = watch(label);
        progress.update(0, 10);
        for (let done = 1; done <= 10; done++) {
          pass((factor * expectedSeconds) / 10);
          left -= (factor * expectedSeconds) / 10;
          progress.update(done, 10);
          if (factor * 35 - left > 2.1) expect(timetable.secondsLeft()).toBeCloseTo(left, 6);
        }
      }
    }),
  );
});

test("lines end in the time that is left, and unknown parts do no harm", () => {
  const notes: (string | undefined)[] = [];
  const { timetable } = atRest();
  const display: Progress = { update: (_done, _total, note) => void notes.push(note), log: () => {} };
  timetable.watch("a", display).update(1, 2, "loss 0.5");
  timetable.watch("z", display).update(1, 2);
  expect(notes).toEqual(["loss 0.5, 30 s left", "30 s left"]);
});

test("lengths of time are as precise as estimates", () => {
  expect([0, 0.4, 12.4, 89.4, 100, 3000, 5400].map(aboutTime)).toEqual([
    "1 s",
    "1 s",
    "12 s",
    "89 s",
    "2 min",
    "50 min",
    "1 h 30 min",
  ]);
});
