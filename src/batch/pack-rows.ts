import { rounding, roundUp } from "./rounding.ts";

/** Positions of something that is packed: what a row's length is measured by, and all of it. */
export interface PackedSize {
  readonly main: number;
  readonly whole: number;
}

/**
 * Packs things of different sizes into rows, and rows into batches: [batch][row][number of the thing].
 *
 * A batch begins with the largest thing that is left, which says how long its rows are; the others follow by size into
 * the first row that has room. So no row is longer than its largest thing needs, and what is left over of it is used.
 *
 * @param most positions of a batch; one thing that is larger is a batch of its own
 */
export const packRows = (sizes: readonly PackedSize[], most: number): number[][][] => {
  const left = sizes.map((_, at) => at).sort((a, b) => sizes[b]!.main - sizes[a]!.main || a - b);
  const batches: number[][][] = [];
  while (left.length > 0) {
    const length = roundUp(sizes[left[0]!]!.main, rounding.positions);
    const rows: { readonly things: number[]; free: number; tail: number }[] = [];
    /** Longest tail of a row if `extra` were added to it. */
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
