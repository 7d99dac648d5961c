import { rounding, roundUp } from "../../../batch/rounding.ts";
import { blankSource, type TokenBatch, wordSource } from "../../../batch/token-batch.ts";

/** Where the rows of a batch come from: words, then visual tokens, a row of zeros, dropped visual tokens, padding words. */
export interface LoweredRows {
  /** [N] */
  readonly source: BigInt64Array;
  /** Words to look up. */
  readonly words: BigInt64Array;
  /** Words whose embedding gets no gradient. */
  readonly padding: BigInt64Array;
  /** [K] visual token behind each row under dropout. */
  readonly dropped: BigInt64Array;
}

/**
 * @param visualTokens how many the tower gives
 * @param pad the padding token: its embedding is not trained, as in the reference implementation
 */
export const lowerRows = (batch: TokenBatch, visualTokens: number, pad: number | undefined): LoweredRows => {
  const { ids, source: from, scale } = batch;
  const words: number[] = [];
  const padding: number[] = [];
  from.forEach((kind, row) => {
    if (kind === wordSource) (ids[row] === pad ? padding : words).push(ids[row]!);
  });
  const count = batch.sizes === "exact" ? words.length : roundUp(words.length, rounding.words);
  const zero = count + visualTokens;
  const dropped = scale?.rows ?? new Int32Array(0);
  const firstPadding = zero + 1 + dropped.length;
  const source = new BigInt64Array(from.length);
  let [word, pads] = [0, 0];
  from.forEach((kind, row) => {
    const isPad = kind === wordSource && ids[row] === pad;
    if (isPad) source[row] = BigInt(firstPadding + pads++);
    else if (kind === wordSource) source[row] = BigInt(word++);
    else source[row] = BigInt(kind === blankSource ? zero : count + kind);
  });
  dropped.forEach((row, k) => {
    source[row] = BigInt(zero + 1 + k);
  });
  const looked = new BigInt64Array(count);
  words.forEach((id, i) => {
    looked[i] = BigInt(id);
  });
  return {
    source,
    words: looked,
    padding: BigInt64Array.from(padding, BigInt),
    dropped: BigInt64Array.from(dropped, (row) => BigInt(from[row]!)),
  };
};
