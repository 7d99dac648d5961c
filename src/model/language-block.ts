/**
 * One block of the language model.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, D width, d head size.
 */
import { input } from "../graph/ops/inputs.ts";
import type { Value } from "../graph/value.ts";
import { type AttentionRows, attend, type HeadSizes, type MaskPiece, maskPieces } from "./attention.ts";
import type { ModelConfig, TextConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import type { Weights } from "./weights.ts";

/** Sizes of query and key heads. */
export const headSizes = (text: TextConfig): HeadSizes => ({
  heads: text.heads,
  kvHeads: text.kvHeads,
  headDim: text.headDim,
});

/** Position tables and the mask of the rows that a block works on. */
export interface BlockInputs {
  /** [N, d / 2] */
  readonly cos: Value;
  readonly sin: Value;
  /** Pieces of the mask [B, 1, T, T], which is added to the scores. */
  readonly mask: readonly MaskPiece[];
  /** T */
  readonly length: number;
}

/**
 * Declares position tables and mask of `positions` positions a sample.
 *
 * @param sections how the mask may be cut: not at all ("whole"), or also where sections begin that see nothing before
 */
export const positionInputs = (
  prefix: string,
  samples: number,
  positions: number,
  config: ModelConfig,
  sections: readonly number[] | "whole" = [],
): BlockInputs => {
  const mask = input(`${prefix}mask`, [samples, 1, positions, positions]);
  return {
    cos: input(`${prefix}cos`, [samples * positions, config.text.headDim / 2]),
    sin: input(`${prefix}sin`, [samples * positions, config.text.headDim / 2]),
    mask: sections === "whole" ? [{ from: 0, start: 0, end: positions, mask }] : maskPieces(mask, sections),
    length: positions,
  };
};

/** Rows after a block, and the query, key and value rows [N, ...] that it mixed. */
export interface BlockResult {
  readonly x: Value;
  readonly rows: AttentionRows;
}

/**
 * Language block `layer` (0-based): [N, D] to [N, D].
 *
 * @param keep cuts rows [N, ...] down to those that anybody reads, when these are few: what follows the attention is
 * computed for them only, and the result has them only
 */
export const languageBlock = (
  x: Value,
  layer: number,
  inputs: BlockInputs,
  config: ModelConfig,
  weights: Weights,
  keep: (rows: Value) => Value = (rows) => rows,
): BlockResult => {
  const { block } = familyOf(config);
  const rows = block.projections(x, layer, inputs, config.text, weights);
  const mixed = attend(rows, inputs.length, headSizes(config.text), inputs.mask);
  return { x: block.finish(keep(x), keep(mixed), layer, config.text, weights), rows };
};
