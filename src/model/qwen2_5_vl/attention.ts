/**
 * Attention in both towers.
 *
 * Legend: N rows, S sequences, L their length, H query heads, K key heads, R = H / K queries a key head, d head size.
 */

import { reshape } from "../../graph/ops/broadcast.ts";
import { add, mul, silu } from "../../graph/ops/elementwise.ts";
import { split, transpose } from "../../graph/ops/layout.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import { softmax } from "../../graph/ops/normalize.ts";
import { rotary } from "../../graph/ops/rotary.ts";
import type { Value } from "../../graph/value.ts";

/** Sizes of an attention. */
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

/** Splits joint projections [N, (H + 2 K) d] and turns query and key by their positions (tables [N, d / 2]). */
export const attentionRows = (qkv: Value, cos: Value, sin: Value, sizes: HeadSizes): AttentionRows => {
  const [queryWidth, keyWidth] = [sizes.heads * sizes.headDim, sizes.kvHeads * sizes.headDim];
  const [turning, value] = split(qkv, 1, [queryWidth + keyWidth, keyWidth]) as [Value, Value];
  const [query, key] = split(rotary(turning, cos, sin), 1, [queryWidth, keyWidth]) as [Value, Value];
  return { query, key, value };
};

/**
 * softmax(Q K^T / sqrt(d) + mask) V within S sequences of L rows each, N = S L. Queries that share a key head are
 * folded into the rows of one matrix, so keys are never repeated and their gradients add up by themselves.
 *
 * @param mask  added to the scores: [S, 1, L, L], 0 or a large negative number; undefined when all see all
 * @returns [N, H d]
 */
export const attend = (rows: AttentionRows, length: number, sizes: HeadSizes, mask?: Value): Value => {
  const { heads, kvHeads, headDim } = sizes;
  const share = heads / kvHeads;
  const sequences = rows.query.shape[0]! / length;
  const query = reshape(
    transpose(reshape(rows.query, [sequences, length, kvHeads, share, headDim]), [0, 2, 3, 1, 4]),
    [sequences, kvHeads, share * length, headDim],
  );
  const perHead = (x: Value): Value =>
    transpose(reshape(x, [sequences, length, kvHeads, headDim]), [0, 2, 1, 3]);
  const scores = matmul(query, perHead(rows.key), { transposeB: true, alpha: 1 / Math.sqrt(headDim) });
  const shape = [sequences, heads, length, length];
  const masked = mask === undefined ? scores : add(reshape(scores, shape), mask);
  const probabilities = reshape(softmax(masked), [sequences, kvHeads, share * length, length]);
  const mixed = reshape(matmul(probabilities, perHead(rows.value)), [
    sequences,
    kvHeads,
    share,
    length,
    headDim,
  ]);
  return reshape(transpose(mixed, [0, 3, 1, 2, 4]), [sequences * length, heads * headDim]);
};

/** silu(gate) * up for joint projections [N, 2 F]. @source Shazeer 2020 */
export const swiglu = (gateUp: Value): Value => {
  const half = gateUp.shape[1]! / 2;
  const [gate, up] = split(gateUp, 1, [half, half]) as [Value, Value];
  return mul(silu(gate), up);
};
