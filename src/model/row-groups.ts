/**
 * Attention inside segments of rows: the windows and the temporal steps of vision towers.
 *
 * Legend: P rows (patches).
 */
import { input } from "../graph/ops/inputs.ts";
import { concat, split } from "../graph/ops/layout.ts";
import { permuteRows } from "../graph/ops/rows.ts";
import type { Value } from "../graph/value.ts";
import { type AttentionRows, attend, type HeadSizes } from "./attention.ts";

/** Segments of equal length, and where their rows are. */
export interface SegmentGroup {
  readonly length: number;
  /** First row of every segment. */
  readonly starts: readonly number[];
}

/** Consecutive segments sorted by length, so that each length is one stack of attentions. */
export const groupSegments = (offsets: ArrayLike<number>): readonly SegmentGroup[] => {
  const groups = new Map<number, number[]>();
  for (let i = 0; i + 1 < offsets.length; i++) {
    const length = offsets[i + 1]! - offsets[i]!;
    groups.set(length, [...(groups.get(length) ?? []), offsets[i]!]);
  }
  return [...groups].map(([length, starts]) => ({ length, starts }));
};

/** The row order that sorts segments by length, and its inverse; empty when all are equally long. */
export const groupedOrder = (
  groups: readonly SegmentGroup[],
  rows: number,
): [order: BigInt64Array, inverse: BigInt64Array] => {
  if (groups.length <= 1) return [new BigInt64Array(0), new BigInt64Array(0)];
  const order = new BigInt64Array(rows);
  const inverse = new BigInt64Array(rows);
  let at = 0;
  for (const { length, starts } of groups)
    for (const start of starts)
      for (let row = start; row < start + length; row++) {
        inverse[row] = BigInt(at);
        order[at++] = BigInt(row);
      }
  return [order, inverse];
};

/** Lengths and numbers of segments: what the graph of an attention inside them depends on. */
export const groupSizes = (groups: readonly SegmentGroup[]): number[][] =>
  groups.map(({ length, starts }) => [length, starts.length]);

/** A row order (int64) and its inverse. */
export interface RowOrder {
  readonly rows: Value;
  readonly inverse: Value;
}

/** Declares the inputs `<name>Rows` and `<name>RowsInverse`, where segments are of several lengths. */
export const groupedOrderInputs = (
  name: string,
  groups: readonly SegmentGroup[],
  rows: number,
): RowOrder | undefined =>
  groups.length <= 1
    ? undefined
    : { rows: input(`${name}Rows`, [rows], "int64"), inverse: input(`${name}RowsInverse`, [rows], "int64") };

/** Rows among which a block attends: groups of segments, and the order that brings segments of a length together. */
export interface RowSegments {
  readonly groups: readonly SegmentGroup[];
  readonly order: RowOrder | undefined;
}

/** Attention of all rows of a segment to all, in each segment. */
export const attendSegments = (
  rows: AttentionRows,
  { groups, order }: RowSegments,
  sizes: HeadSizes,
): Value => {
  if (order === undefined) return attend(rows, groups[0]!.length, sizes);
  const sort = (x: Value): Value => permuteRows(x, order.rows, order.inverse);
  const sorted = [rows.query, rows.key, rows.value].map(sort) as [Value, Value, Value];
  const counts = groups.map(({ length, starts }) => length * starts.length);
  const pieces = sorted.map((x) => split(x, 0, counts));
  const mixed = groups.map(({ length }, i) =>
    attend({ query: pieces[0]![i]!, key: pieces[1]![i]!, value: pieces[2]![i]! }, length, sizes),
  );
  return permuteRows(concat(mixed, 0), order.inverse, order.rows);
};
