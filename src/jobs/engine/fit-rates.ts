import { type MachineRates, secondsOf } from "../train/machine-rates.ts";
import type { StepLoad } from "../train/step-load.ts";

/** What took so long. */
export interface MeasuredLoad {
  readonly seconds: number;
  readonly loads: readonly StepLoad[];
}

/** Seconds of all of some. */
export const secondsOfAll = (loads: readonly StepLoad[], rates: MachineRates): number =>
  loads.reduce((sum, load) => sum + secondsOf(load, rates), 0);

const names = ["operationsPerSecond", "bytesPerSecond", "secondsPerCall"] as const;

/** Weight of the start: where what was measured cannot tell two rates apart, those of the start do. */
const trust = 0.01;

/** Sum of the squares by how many e-folds it is off, and a little of those by which the rates are from the start. */
const missed = (measured: readonly MeasuredLoad[], rates: MachineRates, start: MachineRates): number => {
  const off = measured.map(({ seconds, loads }) => Math.log(secondsOfAll(loads, rates) / seconds));
  const moved = names.map((name) => Math.sqrt(trust) * Math.log(rates[name] / start[name]));
  return [...off, ...moved].reduce((sum, one) => sum + one ** 2, 0);
};

/** Every way to move three rates: each up, down or not at all. */
const ways = [-1, 0, 1].flatMap((a) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].map((c) => [a, b, c] as const)));

/**
 * The rates of operations, of bytes between them and of calls for which loads take nearest to what was measured, relative to it.
 * They are moved by a factor, one or several at once, for as long as that helps, then by its root, down to a thousandth.
 *
 * @param start rates of another machine of about that kind
 */
export const fitRates = (measured: readonly MeasuredLoad[], start: MachineRates): MachineRates => {
  let best: { -readonly [key in keyof MachineRates]: MachineRates[key] } = start;
  let least = missed(measured, best, start);
  for (let factor = 4; factor > 1.001; factor = Math.sqrt(factor))
    for (let isBetter = true; isBetter; ) {
      isBetter = false;
      for (const way of ways) {
        const tried = { ...best };
        names.forEach((name, i) => {
          tried[name] *= factor ** way[i]!;
        });
        const off = missed(measured, tried, start);
        if (off >= least - 1e-9) continue;
        [best, least, isBetter] = [tried, off, true];
      }
    }
  return best;
};
