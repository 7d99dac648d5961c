import { nowMilliseconds, type Progress } from "../core/progress.ts";
import { aboutTime } from "./timetable.ts";

/** Seconds and items after which a speed is believed. */
const enough = { seconds: 2, items: 2 } as const;

/**
 * The same progress, its notes ending in the rate and the time that is left, judged by what was done since the first
 * call: what an earlier run had done costs nothing.
 *
 * @param now seconds from anywhere; a test gives its own
 */
export const timeLeftOf = (
  display: Progress,
  now: () => number = () => nowMilliseconds() / 1000,
): Progress => {
  let first: { readonly done: number; readonly seconds: number } | undefined;
  return {
    log: (line) => display.log(line),
    update: (done, total, note) => {
      first ??= { done, seconds: now() };
      const [items, seconds] = [done - first.done, now() - first.seconds];
      const known = items >= enough.items && seconds >= enough.seconds && done < total;
      const left = known ? `${aboutTime(((total - done) * seconds) / items)} left` : undefined;
      display.update(done, total, [note, left].filter((part) => part !== undefined).join(", ") || undefined);
    },
  };
};
