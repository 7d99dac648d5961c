import { nowMilliseconds, type Progress } from "../core/progress.ts";

/** A part of a job; the label is what its progress lines begin with. */
export interface PlannedPart {
  readonly label: string;
  /** What it took where it was measured. */
  readonly expectedSeconds: number;
}

/** Time from which on a speed is believed. */
const enoughSeconds = 2;

/** A length of time in a few letters, as precise as an estimate is. */
export const aboutTime = (seconds: number): string => {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/**
 * How much time the parts of a job still need: what was expected of them, times how much slower this machine was so far.
 * A part that has run for a while is judged by its own speed. Parts that were finished by an earlier call cost nothing
 * and teach nothing.
 */
export class Timetable {
  readonly #parts: readonly PlannedPart[];
  readonly #now: () => number;
  #at = -1;
  #share = 0;
  /** Where the current part stood when it was first heard of in this process. */
  #first: { readonly share: number; readonly seconds: number } | undefined;
  /** Of the parts before the current one: time that passed, and what was expected for the same work. */
  #passedSeconds = 0;
  #expectedSeconds = 0;

  /** @param now seconds from anywhere; a test gives its own */
  constructor(parts: readonly PlannedPart[], now: () => number = () => nowMilliseconds() / 1000) {
    this.#parts = parts;
    this.#now = now;
  }

  /** What the parts together are expected to take, seconds. */
  get expectedSeconds(): number {
    return this.#parts.reduce((sum, { expectedSeconds }) => sum + expectedSeconds, 0);
  }

  /** The same progress, its notes ending in the time that the whole job still needs. Parts come in their order. */
  watch(label: string, display: Progress): Progress {
    const at = this.#parts.findIndex((part) => part.label === label);
    return {
      log: (line) => display.log(line),
      update: (done, total, note) => {
        if (at >= 0) this.#move(at, total > 0 ? done / total : 0);
        const left = `${aboutTime(this.secondsLeft())} left`;
        display.update(done, total, note === undefined ? left : `${note}, ${left}`);
      },
    };
  }

  /** Until the end of the last part, seconds. */
  secondsLeft(): number {
    const [passed, expected] = this.#speedOfCurrent();
    const factor = (passedSeconds: number, expectedSeconds: number): number | undefined =>
      passedSeconds >= enoughSeconds && expectedSeconds > 0 ? passedSeconds / expectedSeconds : undefined;
    const overall = factor(this.#passedSeconds + passed, this.#expectedSeconds + expected) ?? 1;
    const own = factor(passed, expected) ?? overall;
    return this.#parts.reduce((sum, { expectedSeconds }, at) => {
      if (at < this.#at) return sum;
      return sum + (at === this.#at ? own * expectedSeconds * (1 - this.#share) : overall * expectedSeconds);
    }, 0);
  }

  #speedOfCurrent(): readonly [passed: number, expected: number] {
    const part = this.#parts[this.#at];
    if (part === undefined || this.#first === undefined) return [0, 0];
    return [this.#now() - this.#first.seconds, (this.#share - this.#first.share) * part.expectedSeconds];
  }

  #move(at: number, share: number): void {
    if (at < this.#at) return;
    if (at > this.#at) {
      const [passed, expected] = this.#speedOfCurrent();
      this.#passedSeconds += passed;
      this.#expectedSeconds += expected;
      this.#at = at;
      this.#first = { share, seconds: this.#now() };
    }
    this.#share = share;
  }
}
