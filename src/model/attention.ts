/**
 * Attention in both towers.
 *
 * Legend: N rows, S sequences, L their length, H query heads, K key heads, R = H / K queries a key head, d head size.
 */

import { reshape } from "../graph/ops/broadcast.ts";
import { add } from "../graph/ops/elementwise.ts";
import { concat, slice, split, transpose } from "../graph/ops/layout.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { softmaxMix } from "../graph/ops/normalize.ts";
import type { Value } from "../graph/value.ts";

/** Queries have `heads`, keys and values fewer `kvHeads`: each serves several of those. */
export interface HeadSizes {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Query, key and value rows; query and key carry their rotary positions. */
export interface AttentionRows {
  /** [N, H d] */
  readonly query: Value;
  /** [N, K d] */
  readonly key: Value;
  /** [N, K d] */
  readonly value: Value;
}

/** Positions `start` to `end` of every sequence as queries: what they see of the positions from `from` to `end`. */
export interface MaskPiece {
  readonly from: number;
  readonly start: number;
  readonly end: number;
  /** Added to the scores: [S, 1, end - start, end - from], 0 or a large negative number. */
  readonly mask: Value;
}

/** Causal attention is computed in this many pieces of the queries at most, and only for keys that are not behind. */
const mostPieces = 4;
const leastRows = 40;

/** The starts of sections, 0 among them, that are long enough for products of their own: short ones join those before. */
export const longSections = (starts: readonly number[], length: number): readonly number[] => {
  const kept = [0];
  for (const [i, start] of starts.entries()) {
    const isLong = (starts[i + 1] ?? length) - start >= leastRows;
    if (isLong && start - kept.at(-1)! >= leastRows) kept.push(start);
  }
  return kept;
};

/**
 * Cuts a mask [S, 1, L, L] in which nobody sees what is behind itself. A piece of queries is multiplied with the keys
 * up to its end only, so with c pieces (c - 1) / 2c of the scores are never computed; and not with keys of sections
 * before its own.
 *
 * @param starts positions behind the first one where a section begins that sees nothing before it, in any sequence
 */
export const maskPieces = (mask: Value, starts: readonly number[] = []): readonly MaskPiece[] => {
  const length = mask.shape[2]!;
  const sections = longSections(starts, length);
  return sections.flatMap((from, section) => {
    const rows = (sections[section + 1] ?? length) - from;
    const count = Math.max(1, Math.min(mostPieces, Math.floor(rows / leastRows)));
    const ends = Array.from({ length: count }, (_, i) => from + Math.round((rows * (i + 1)) / count));
    return ends.map((end, i) => {
      const start = i === 0 ? from : ends[i - 1]!;
      return { from, start, end, mask: slice(slice(mask, 2, start, end), 3, from, end) };
    });
  });
};

/**
 * softmax(Q K^T / sqrt(d) + mask) V within S sequences of L rows each, N = S L. Queries that share a key head are
 * folded into the rows of one matrix, so keys are never repeated and their gradients add up by themselves.
 *
 * @param mask  pieces of a causal mask; undefined when all see all
 * @returns [N, H d]
 */
export const attend = (
  rows: AttentionRows,
  length: number,
  sizes: HeadSizes,
  mask?: readonly MaskPiece[],
): Value => {
  const { heads, kvHeads, headDim } = sizes;
  const share = heads / kvHeads;
  const sequences = rows.query.shape[0]! / length;
  const query = transpose(reshape(rows.query, [sequences, length, kvHeads, share, headDim]), [0, 2, 3, 1, 4]);
  const perHead = (x: Value): Value =>
    transpose(reshape(x, [sequences, length, kvHeads, headDim]), [0, 2, 1, 3]);
  const [key, value] = [perHead(rows.key), perHead(rows.value)];
  const alpha = 1 / Math.sqrt(headDim);
  const pieces = mask ?? [{ from: 0, start: 0, end: length, mask: undefined }];
  const queries = split(
    query,
    3,
    pieces.map(({ start, end }) => end - start),
  );
  const mixed = pieces.map(({ from, start, end, mask: hidden }, i) => {
    const count = end - start;
    const folded = reshape(queries[i]!, [sequences, kvHeads, share * count, headDim]);
    const scores = matmul(folded, slice(key, 2, from, end), { transposeB: true, alpha });
    const apart = [sequences, heads, count, end - from];
    const masked = hidden === undefined ? scores : reshape(add(reshape(scores, apart), hidden), scores.shape);
    const out = softmaxMix(masked, slice(value, 2, from, end));
    return reshape(out, [sequences, kvHeads, share, count, headDim]);
  });
  return reshape(transpose(concat(mixed, 3), [0, 3, 1, 2, 4]), [sequences * length, heads * headDim]);
};
