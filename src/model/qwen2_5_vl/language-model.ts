/**
 * The language model over rows of a batch.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, D width, d head size, U visual tokens, W words (text
 * tokens that are looked up), M rows whose next token is scored, V vocabulary.
 */

import { reshape } from "../../graph/ops/broadcast.ts";
import { add, mul, swiglu } from "../../graph/ops/elementwise.ts";
import { input, stopGradient } from "../../graph/ops/inputs.ts";
import { concat, split } from "../../graph/ops/layout.ts";
import { rmsNorm, tokenLogprob } from "../../graph/ops/normalize.ts";
import { rotary } from "../../graph/ops/rotary.ts";
import { gatherRows, zeroRow } from "../../graph/ops/rows.ts";
import type { Value } from "../../graph/value.ts";
import { type AttentionRows, attend, type HeadSizes, type MaskPiece, maskPieces } from "./attention.ts";
import type { Qwen25VLConfig, TextConfig } from "./config.ts";
import { linearModule, productWith, type Weights } from "./weights.ts";

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
): Value => {
  const sizes = headSizes(config.text);
  const rows = blockProjections(x, layer, inputs, config, weights);
  const mixed = attend(rows, inputs.length, sizes, inputs.mask);
  return finishBlock(keep(x), keep(mixed), layer, config, weights);
};

/** Logits of rows after the last block: [M, D] to [M, V]. */
export const head = (x: Value, config: Qwen25VLConfig, weights: Weights): Value => {
  const normed = rmsNorm(x, weights.get("model.norm.weight"), config.text.rmsNormEps);
  if (config.text.tieWordEmbeddings) return productWith(normed, "model.embed_tokens.weight", weights);
  return linearModule(normed, "lm_head", weights, false);
};

/** Everything about a batch that the graph's shape depends on. */
export interface LanguageShape {
  readonly samples: number;
  /** T */
  readonly length: number;
  /** Words to look up. */
  readonly words: number;
  /** Visual tokens; 0: no vision tower. */
  readonly visualTokens: number;
  /** Rows whose next token is scored. */
  readonly scored: number;
  /** States to tap: rows of the output of a block (1-based, as everywhere a person sees a block's number). */
  readonly taps: readonly { readonly block: number; readonly rows: number }[];
  /**
   * The first `mainLength` positions of every sample go through all blocks, the others (what is only contrasted)
   * end after the last tapped block. Equal to `length` when all go through.
   */
  readonly mainLength: number;
  /** Padding tokens to look up: their embedding gets no gradient, as in the reference implementation. */
  readonly padding: number;
  /** Rows of visual tokens that are multiplied by a dropout mask; 0: none. */
  readonly dropped: number;
}

/** What the graph of a batch gives. */
export interface LanguageValues {
  /** [N, D], before the first block. */
  readonly embedded: Value;
  /** [M, V] */
  readonly logits: Value | undefined;
  /** [M] */
  readonly tokenLogprobs: Value | undefined;
  /** [rows, D] a tap. */
  readonly states: ReadonlyMap<number, Value>;
}

/** Keeps the first `kept` positions of each of `samples` samples of `length` rows. */
const keepPositions = (x: Value, samples: number, length: number, kept: number): Value => {
  const stacked = reshape(x, [samples, length, x.shape[1]!]);
  return reshape(split(stacked, 1, [kept, length - kept])[0]!, [samples * kept, x.shape[1]!]);
};

/** Visual tokens once more, under a dropout mask (inputs `dropped.rows` and `dropped.mask`, which holds 0 or 1/(1-p)). */
const droppedRows = (visual: Value, count: number): Value =>
  mul(
    gatherRows(visual, input("dropped.rows", [count], "int64")),
    input("dropped.mask", [count, visual.shape[1]!]),
  );

/** Words looked up and visual tokens put in their places: [N, D]. Inputs `ids`, `source`, with padding `ids.padding`. */
export const embed = (shape: LanguageShape, visual: Value | undefined, weights: Weights): Value => {
  const table = weights.get("model.embed_tokens.weight");
  const words = gatherRows(table, input("ids", [shape.words], "int64"));
  const padding =
    shape.padding === 0
      ? []
      : [gatherRows(stopGradient(table), input("ids.padding", [shape.padding], "int64"))];
  const visuals = visual === undefined ? [] : [visual];
  const dropped = visual === undefined || shape.dropped === 0 ? [] : [droppedRows(visual, shape.dropped)];
  const parts = concat([words, ...visuals, zeroRow(words), ...dropped, ...padding], 0);
  return gatherRows(parts, input("source", [shape.samples * shape.length], "int64"));
};

/** Declares position tables and mask of `positions` positions a sample. */
export const positionInputs = (
  prefix: string,
  samples: number,
  positions: number,
  config: Qwen25VLConfig,
): BlockInputs => ({
  cos: input(`${prefix}cos`, [samples * positions, config.text.headDim / 2]),
  sin: input(`${prefix}sin`, [samples * positions, config.text.headDim / 2]),
  mask: maskPieces(input(`${prefix}mask`, [samples, 1, positions, positions])),
  length: positions,
});

/**
 * The language model on a batch of sequences that mix words and visual tokens.
 *
 * Declares the inputs `ids` [W], `source` [N] (row of words, then visual tokens, then one row of zeros, then dropped visual tokens, then padding), `cos`, `sin`
 * [N, d / 2], `mask` [B, 1, T, T], `scored.rows`, `scored.targets` [M], `tap.<block>` [rows], with a contrastive tail
 * `main.mask`, `main.cos`, `main.sin`, and with dropout `dropped.rows`, `dropped.mask`.
 *
 * Rows in `scored.rows` and in taps behind the tail's end count the kept positions only.
 */
export const languageModel = (
  shape: LanguageShape,
  visual: Value | undefined,
  config: Qwen25VLConfig,
  weights: Weights,
): LanguageValues => {
  const { layers } = config.text;
  const { samples, length, mainLength } = shape;
  const embedded = embed(shape, visual, weights);
  const scoredRows = shape.scored === 0 ? undefined : input("scored.rows", [shape.scored], "int64");
  const lastTap = Math.max(0, ...shape.taps.map((tap) => tap.block));
  const blocks = scoredRows === undefined ? lastTap : layers;
  const states = new Map<number, Value>();
  let inputs = positionInputs("", samples, length, config);
  let x = embedded;
  for (let layer = 0; layer < blocks; layer++) {
    const tap = shape.taps.find(({ block }) => block === layer + 1);
    const tapRows = tap && input(`tap.${tap.block}`, [tap.rows], "int64");
    const isLast = layer + 1 === blocks;
    const isCut = tap?.block === lastTap && mainLength < length;
    if (!isLast && !isCut) {
      x = languageBlock(x, layer, inputs, config, weights);
      if (tap !== undefined) states.set(tap.block, gatherRows(x, tapRows!));
      continue;
    }
    // Tapped rows stand behind those that go on: the scored ones at the end, the kept positions at the tail's end.
    const goesOn = (rows: Value): Value[] => {
      if (!isLast) return [keepPositions(rows, samples, length, mainLength)];
      return scoredRows === undefined ? [] : [gatherRows(rows, scoredRows)];
    };
    const keep = (rows: Value): Value =>
      concat([...goesOn(rows), ...(tapRows === undefined ? [] : [gatherRows(rows, tapRows)])], 0);
    const kept = languageBlock(x, layer, inputs, config, weights, keep);
    const tapped = tap?.rows ?? 0;
    const going = kept.shape[0]! - tapped;
    const pieces = split(
      kept,
      0,
      [going, tapped].filter((size) => size > 0),
    );
    if (tap !== undefined) states.set(tap.block, pieces.at(-1)!);
    x = pieces[0]!;
    if (isCut) inputs = positionInputs("main.", samples, mainLength, config);
  }
  if (scoredRows === undefined) return { embedded, logits: undefined, tokenLogprobs: undefined, states };
  const logits = head(x, config, weights);
  const tokenLogprobs = tokenLogprob(logits, input("scored.targets", [shape.scored], "int64"));
  return { embedded, logits, tokenLogprobs, states };
};
