import { type TokenBatch, tappedRows } from "../batch/token-batch.ts";
import { assert } from "../core/errors.ts";
import type { BatchOutputs } from "../engine/contract.ts";

/** States of a group at a block over all batches, [rows, D] one row behind the other, in the order of the batches. */
export const groupStates = (
  batches: readonly TokenBatch[],
  outputs: readonly Pick<BatchOutputs, "states">[],
  block: number,
  group: string,
): Float32Array => {
  const pieces = batches.map(({ taps }, i): Float32Array => {
    const tap = taps.find((one) => one.block === block);
    const states = outputs[i]!.states.get(block);
    assert(tap !== undefined && states !== undefined, `block ${block} is not tapped`);
    const width = states.length / tappedRows(tap).length;
    const at = tap.groups.findIndex(({ name }) => name === group);
    assert(at >= 0, `no rows "${group}" at block ${block}`);
    const start = tap.groups.slice(0, at).reduce((sum, { rows }) => sum + rows.length, 0);
    return states.subarray(start * width, (start + tap.groups[at]!.rows.length) * width);
  });
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
};
