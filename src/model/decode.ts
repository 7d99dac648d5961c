/**
 * Generation: a prefill that keeps keys and values, and a step of one new token a row.
 *
 * Legend: B prompts, T positions of a prompt, R rows that generate, L capacity of a row's cache, K key heads, d head
 * size, V vocabulary.
 */
import { reshape } from "../graph/ops/broadcast.ts";
import { cachedAttention } from "../graph/ops/cache.ts";
import { input } from "../graph/ops/inputs.ts";
import { transpose } from "../graph/ops/layout.ts";
import { gatherRows } from "../graph/ops/rows.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import { type BlockInputs, headSizes, languageBlock, positionInputs } from "./language-block.ts";
import { embed, head } from "./language-model.ts";
import { tableName } from "./language-names.ts";
import type { LanguageShape } from "./language-shape.ts";
import type { Weights } from "./weights.ts";

/** Keys and values of a block: [rows, K, positions, d]. */
export interface KeyValues {
  readonly keys: Value;
  readonly values: Value;
}

/** Logits [B, V] of the scored rows, and the keys and values of all positions. */
export interface PrefillValues {
  readonly logits: Value;
  readonly caches: readonly KeyValues[];
}

/** Rows after a block, and the keys and values of its positions. */
export interface CachedBlock extends KeyValues {
  readonly x: Value;
}

/** Block `layer` on prompts: [B T, D]; `keep` cuts rows down to those that are read after it. */
export const prefillBlock = (
  x: Value,
  layer: number,
  inputs: BlockInputs,
  config: ModelConfig,
  weights: Weights,
  keep?: (rows: Value) => Value,
): CachedBlock => {
  const { kvHeads, headDim } = headSizes(config.text);
  const samples = x.shape[0]! / inputs.length;
  const block = languageBlock(x, layer, inputs, config, weights, keep);
  const perHead = (all: Value): Value =>
    transpose(reshape(all, [samples, inputs.length, kvHeads, headDim]), [0, 2, 1, 3]);
  return { x: block.x, keys: perHead(block.rows.key), values: perHead(block.rows.value) };
};

/** Runs prompts through all blocks; same inputs as `languageModel`, no taps, no contrastive tail. */
export const prefill = (
  shape: LanguageShape,
  visual: Value | undefined,
  config: ModelConfig,
  weights: Weights,
): PrefillValues => {
  const inputs = positionInputs("", shape.samples, shape.length, config);
  const last = input("scored.rows", [shape.scored], "int64");
  let x = embed(shape, visual, weights);
  const caches: KeyValues[] = [];
  for (let layer = 0; layer < config.text.layers; layer++) {
    // Only the scored rows of the last block are read.
    const isLast = layer + 1 === config.text.layers;
    const keep = isLast ? (all: Value): Value => gatherRows(all, last) : undefined;
    const block = prefillBlock(x, layer, inputs, config, weights, keep);
    caches.push(block);
    x = block.x;
  }
  return { logits: head(x, config, weights), caches };
};

/** What one new token for each of R rows is computed with, besides the token. */
export interface DecodeInputs {
  /** Rotary tables [R, d / 2]. */
  readonly tables: { readonly cos: Value; readonly sin: Value };
  /** [R] int32, tokens in each row's cache. */
  readonly last: Value;
  /** [1] int32, largest of last + 1. */
  readonly total: Value;
}

/** Declares `cos`, `sin`, `last` and `total`. */
export const decodeInputs = (rows: number, config: ModelConfig): DecodeInputs => ({
  tables: {
    cos: input("cos", [rows, config.text.headDim / 2]),
    sin: input("sin", [rows, config.text.headDim / 2]),
  },
  last: input("last", [rows], "int32"),
  total: input("total", [1], "int32"),
});

/** Block `layer` on one new token a row: x [R, D], the past [R, K, L, d]. */
export const decodeBlock = (
  x: Value,
  layer: number,
  past: KeyValues,
  inputs: DecodeInputs,
  config: ModelConfig,
  weights: Weights,
): CachedBlock => {
  const { block } = familyOf(config);
  const rows = block.projections(x, layer, inputs.tables, config.text, weights);
  const { last, total } = inputs;
  const attention = { ...rows, pastKey: past.keys, pastValue: past.values, last, total };
  const { heads, kvHeads } = config.text;
  const [mixed, keys, values] = cachedAttention(attention, heads, kvHeads) as [Value, Value, Value];
  return { x: block.finish(x, mixed, layer, config.text, weights), keys, values };
};

/**
 * One new token for each of R rows. Declares `ids` [R], the inputs of {@link decodeInputs}, `keys.<layer>` and
 * `values.<layer>` [R, K, L, d].
 */
export const decodeStep = (
  rows: number,
  capacity: number,
  config: ModelConfig,
  weights: Weights,
): PrefillValues => {
  const { text } = config;
  const inputs = decodeInputs(rows, config);
  let x = gatherRows(weights.get(tableName), input("ids", [rows], "int64"));
  const caches: KeyValues[] = [];
  for (let layer = 0; layer < text.layers; layer++) {
    const shape = [rows, text.kvHeads, capacity, text.headDim];
    const past = { keys: input(`keys.${layer}`, shape), values: input(`values.${layer}`, shape) };
    const block = decodeBlock(x, layer, past, inputs, config, weights);
    caches.push(block);
    x = block.x;
  }
  return { logits: head(x, config, weights), caches };
};
