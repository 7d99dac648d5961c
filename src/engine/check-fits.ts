import { checkBatch } from "../batch/check-batch.ts";
import { paddingSegment, type TokenBatch, tappedRows } from "../batch/token-batch.ts";
import { ShapeError } from "../core/errors.ts";
import type { ModelConfig } from "../model/config.ts";

/** Checks that no row is read behind the end of its segment, nor at a block that is not there. */
const checkReads = ({ segments, endBlocks, taps, scored }: TokenBatch, layers: number): void => {
  const check = (rows: Int32Array, block: number, what: string): void => {
    for (const row of rows) {
      const end = segments[row] === paddingSegment ? 0 : endBlocks[segments[row]!]!;
      if (end !== 0 && end < block)
        throw new ShapeError(what, {
          where: `row ${row}`,
          expected: `a segment that is needed at block ${block}`,
          got: `one that ends at block ${end}`,
        });
    }
  };
  check(scored.rows, layers, "scored rows");
  for (const tap of taps) {
    if (!(tap.block >= 1 && tap.block <= layers))
      throw new ShapeError("tapped block", { expected: `1 to ${layers}`, got: String(tap.block) });
    check(tappedRows(tap), tap.block, `rows tapped at block ${tap.block}`);
  }
};

const checkBanned = ({ scored }: TokenBatch, vocabSize: number): void => {
  for (const token of scored.drawn?.bannedTokens ?? [])
    if (!(token >= 0 && token < vocabSize))
      throw new ShapeError("a banned token", { expected: `an id below ${vocabSize}`, got: String(token) });
};

/**
 * Checks a batch before a model computes it.
 * @throws {ShapeError} naming what of it does not fit together or to the model
 */
export const checkFits = (batch: TokenBatch, { vision, text }: ModelConfig): void => {
  checkBatch(batch, vision.spatialMergeSize);
  checkReads(batch, text.layers);
  checkBanned(batch, text.vocabSize);
};
