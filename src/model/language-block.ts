/**
 * One block of the language model.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, D width, d head size.
 */
import { add, swiglu } from "../graph/ops/elementwise.ts";
import { input } from "../graph/ops/inputs.ts";
import { rmsNorm } from "../graph/ops/normalize.ts";
import { rotary } from "../graph/ops/rotary.ts";
import type { Value } from "../graph/value.ts";
import { type AttentionRows, attend, type HeadSizes, type MaskPiece, maskPieces } from "./attention.ts";
import type { Qwen25VLConfig, TextConfig } from "./qwen2_5_vl/config.ts";
import { linearModule, type Weights } from "./weights.ts";

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

/** Declares position tables and mask of `positions` positions a sample; a whole mask is not cut into pieces. */
export const positionInputs = (
  prefix: string,
  samples: number,
  positions: number,
  config: Qwen25VLConfig,
  wholeMask = false,
): BlockInputs => {
  const mask = input(`${prefix}mask`, [samples, 1, positions, positions]);
  return {
    cos: input(`${prefix}cos`, [samples * positions, config.text.headDim / 2]),
    sin: input(`${prefix}sin`, [samples * positions, config.text.headDim / 2]),
    mask: wholeMask ? [{ start: 0, end: positions, mask }] : maskPieces(mask),
    length: positions,
  };
};

/** What a block does after its attention: x + o(mixed), then x + mlp(norm(x)). */
export const finishBlock = (
  x: Value,
  mixed: Value,
  layer: number,
  config: Qwen25VLConfig,
  weights: Weights,
): Value => {
  const { text } = config;
  const prefix = `model.layers.${layer}`;
  const attended = add(x, linearModule(mixed, `${prefix}.self_attn.o_proj`, weights, false));
  const inner = rmsNorm(attended, weights.get(`${prefix}.post_attention_layernorm.weight`), text.rmsNormEps);
  const hidden = swiglu(
    linearModule(inner, `${prefix}.mlp.gate_proj`, weights, false),
    linearModule(inner, `${prefix}.mlp.up_proj`, weights, false),
  );
  return add(attended, linearModule(hidden, `${prefix}.mlp.down_proj`, weights, false));
};

/** Query, key and value rows of a block; query and key are turned by their positions (tables [N, d / 2]). */
export const blockProjections = (
  x: Value,
  layer: number,
  tables: Pick<BlockInputs, "cos" | "sin">,
  config: Qwen25VLConfig,
  weights: Weights,
): AttentionRows => {
  const prefix = `model.layers.${layer}`;
  const normed = rmsNorm(x, weights.get(`${prefix}.input_layernorm.weight`), config.text.rmsNormEps);
  const project = (name: string): Value => linearModule(normed, `${prefix}.self_attn.${name}`, weights, true);
  const turn = (rows: Value): Value => rotary(rows, tables.cos, tables.sin);
  return { query: turn(project("q_proj")), key: turn(project("k_proj")), value: project("v_proj") };
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
  config: Qwen25VLConfig,
  weights: Weights,
  keep: (rows: Value) => Value = (rows) => rows,
): BlockResult => {
  const rows = blockProjections(x, layer, inputs, config, weights);
  const mixed = attend(rows, inputs.length, headSizes(config.text), inputs.mask);
  return { x: finishBlock(keep(x), keep(mixed), layer, config, weights), rows };
};
