/**
 * What an engine computes on: plain data that says which tokens there are, where they stand, who sees whom, which
 * pictures stand at the placeholders, and which numbers are wanted. Nothing in it is made for one engine: no rotary
 * tables, no masks, no normalised pixels.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, S segments, M scored rows, D width of a visual token.
 */
import type { MediaStep } from "./media-step.ts";

/** Value of {@link TokenBatch.source} where the row is its token's word. */
export const wordSource = -1;
/** Value of {@link TokenBatch.source} where the row is zeros: padding, and pictures that are hidden. */
export const blankSource = -2;
/** Value of {@link TokenBatch.segments} at padding, which sees nothing and which nobody sees. */
export const paddingSegment = -1;

/** A distribution that tokens are drawn from: softmax(logits / temperature) over the tokens that are not banned. */
export interface DrawnUnder {
  /** More than 0. */
  readonly temperature: number;
  readonly bannedTokens: readonly number[];
}

/** Rows whose next token is scored. */
export interface ScoredRows {
  /** [M] rows of [B * T]. */
  readonly rows: Int32Array;
  /** [M] the token that each is scored on. */
  readonly targets: Int32Array;
  /** The distribution that targets are scored under; left out: the model's own, temperature 1 and all tokens. */
  readonly drawn?: DrawnUnder | undefined;
}

/** Rows of one meaning, by which losses ask for their states. */
export interface TapGroup {
  readonly name: string;
  /** Rows of [B * T]. */
  readonly rows: Int32Array;
}

/** States that are wanted: rows of the output of a block, one group behind the other. */
export interface Tap {
  /** 1-based, as everywhere a person sees a block's number. */
  readonly block: number;
  readonly groups: readonly TapGroup[];
}

/** Visual tokens of some rows, each number of which is kept and multiplied by a factor, or becomes 0. */
export interface VisualScale {
  /** [K] rows of [B * T] that show visual tokens. */
  readonly rows: Int32Array;
  /** D */
  readonly width: number;
  /** [K, D] one bit a number, the lowest of a byte first; 1: kept. */
  readonly kept: Uint8Array;
  readonly factor: number;
}

/** A batch of sequences. Arrays are row-major; nobody changes them after the batch was made. */
export interface TokenBatch {
  /** B */
  readonly samples: number;
  /** T */
  readonly length: number;
  /** [B, T] */
  readonly ids: Int32Array;
  /** [3, B, T] time, height, width. */
  readonly positions: Int32Array;
  /** [B, T] segment of each row; {@link paddingSegment}. A row sees earlier rows of its own segment and its ancestors. */
  readonly segments: Int32Array;
  /** [S] the segment that a segment continues, a smaller number; -1: it begins anew. */
  readonly parents: Int32Array;
  /** [S] the last block that a segment is needed in; 0: all. Not later than its parent's. */
  readonly endBlocks: Int32Array;
  /** Each distinct temporal step once; its visual tokens are counted through in this order. */
  readonly media: readonly MediaStep[];
  /** [B, T] visual token that stands in a row, or {@link wordSource}, or {@link blankSource}. */
  readonly source: Int32Array;
  readonly scale: VisualScale | undefined;
  readonly scored: ScoredRows;
  /** At most one a block. */
  readonly taps: readonly Tap[];
  /** "rounded": more batches of about these sizes will follow, an engine may compute on somewhat larger ones. */
  readonly sizes: "exact" | "rounded";
}

/** Rows of a tap in the order of its state: group by group. */
export const tappedRows = ({ groups }: Tap): Int32Array => {
  const rows = new Int32Array(groups.reduce((total, group) => total + group.rows.length, 0));
  let at = 0;
  for (const group of groups) {
    rows.set(group.rows, at);
    at += group.rows.length;
  }
  return rows;
};

/** Positions in use of each sample. */
export const usedLengths = ({
  samples,
  length,
  segments,
}: Pick<TokenBatch, "samples" | "length" | "segments">): number[] =>
  Array.from({ length: samples }, (_, b) => {
    let used = 0;
    for (let t = 0; t < length; t++) if (segments[b * length + t] !== paddingSegment) used++;
    return used;
  });
