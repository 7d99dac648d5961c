import { rounding, roundUp } from "./rounding.ts";

/** Positions of something that is packed: what a row's length is measured by, and all of it. */
export interface PackedSize {
  readonly main: number;
  readonly whole: number;
}

/** [batch][row][number of the thing]. */
export type PackedRows = readonly (readonly (readonly number[])[])[];

/** Packs into rows that are `longest` times as long as their longest thing. */
const packInto = (sizes: readonly PackedSize[], most: number, longest: number): number[][][] => {
  const left = sizes.map((_, at) => at).sort((a, b) => sizes[b]!.main - sizes[a]!.main || a - b);
  const batches: number[][][] = [];
  while (left.length > 0) {
    const one = sizes[left[0]!]!;
    const wanted = roundUp(longest * one.main, rounding.positions);
    // A row for several things must not be more than a batch may be.
    const length = wanted + one.whole - one.main <= most ? wanted : roundUp(one.main, rounding.positions);
    const rows: { readonly things: number[]; free: number; tail: number }[] = [];
    /** Longest tail of a row if `extra` were added to one. */
    const tailWith = (row: number, extra: number): number =>
      Math.max(extra + (rows[row]?.tail ?? 0), ...rows.map(({ tail }) => tail));
    const fits = (count: number, tail: number): boolean => count * (length + tail) <= most;
    const taken = left.filter((thing) => {
      const { main, whole } = sizes[thing]!;
      const tail = whole - main;
      let row = rows.findIndex(({ free }, at) => free >= main && fits(rows.length, tailWith(at, tail)));
      if (row < 0) {
        if (rows.length > 0 && !fits(rows.length + 1, tailWith(rows.length, tail))) return false;
        row = rows.push({ things: [], free: length, tail: 0 }) - 1;
      }
      rows[row]!.things.push(thing);
      rows[row]!.free -= main;
      rows[row]!.tail += tail;
      return true;
    });
    for (const thing of taken) left.splice(left.indexOf(thing), 1);
    batches.push(rows.map(({ things }) => things));
  }
  return batches;
};

/** Positions of which attention over a row costs as much as all else (ours; a model of width 1400). */
const evenLength = 8192;

/** What rows cost: their positions, and attention, which is dense within a row. */
const costOf = (batches: PackedRows, sizes: readonly PackedSize[]): number =>
  batches.reduce((sum, rows) => {
    const longest = (part: (size: PackedSize) => number): number =>
      Math.max(0, ...rows.map((row) => row.reduce((total, at) => total + part(sizes[at]!), 0)));
    const tail = longest(({ main, whole }) => whole - main);
    const length =
      roundUp(
        longest(({ main }) => main),
        rounding.positions,
      ) + (tail === 0 ? 0 : roundUp(tail, rounding.positions));
    return sum + rows.length * length * (1 + length / evenLength);
  }, 0);

/**
 * Packs things of different sizes into rows, and rows into batches.
 *
 * Rows are one to four times as long as the longest thing that is left, whichever costs least; things follow by size into
 * the first row that has room. Long rows leave less over, short ones have less attention.
 *
 * @param most positions of a batch; one thing that is larger is a batch of its own
 */
export const packRows = (sizes: readonly PackedSize[], most: number): PackedRows => {
  const tried = [1, 2, 3, 4].map((longest) => packInto(sizes, most, longest));
  const costs = tried.map((batches) => costOf(batches, sizes));
  return tried[costs.indexOf(Math.min(...costs))]!;
};
