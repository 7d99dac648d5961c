/**
 * Generation: a prefill that keeps keys and values, and a step of one new token a row.
 *
 * Legend: B prompts, T positions of a prompt, R rows that generate, L capacity of a row's cache, K key heads, d head
 * size, V vocabulary.
 */
import { reshape } from "../../graph/ops/broadcast.ts";
import { cachedAttention } from "../../graph/ops/cache.ts";
import { input } from "../../graph/ops/inputs.ts";
import { transpose } from "../../graph/ops/layout.ts";
import { gatherRows } from "../../graph/ops/rows.ts";
import type { Value } from "../../graph/value.ts";
import { attend } from "./attention.ts";
import type { Qwen25VLConfig } from "./config.ts";
import {
  blockProjections,
  embed,
  finishBlock,
  head,
  headSizes,
  type LanguageShape,
  positionInputs,
} from "./language-model.ts";
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

/** Runs prompts through all blocks; same inputs as `languageModel`, no taps, no contrastive tail. */
export const prefill = (
  shape: LanguageShape,
  visual: Value | undefined,
  config: Qwen25VLConfig,
  weights: Weights,
): PrefillValues => {
  const sizes = headSizes(config.text);
  const inputs = positionInputs("", shape.samples, shape.length, config);
  const last = input("scored.rows", [shape.scored], "int64");
  let x = embed(shape, visual, weights);
  const caches: KeyValues[] = [];
  const perHead = (rows: Value): Value =>
    transpose(reshape(rows, [shape.samples, shape.length, sizes.kvHeads, sizes.headDim]), [0, 2, 1, 3]);
  for (let layer = 0; layer < config.text.layers; layer++) {
    const rows = blockProjections(x, layer, inputs, config, weights);
    caches.push({ keys: perHead(rows.key), values: perHead(rows.value) });
    // Only the scored rows of the last block are read.
    const isLast = layer + 1 === config.text.layers;
    const keep = (all: Value): Value => (isLast ? gatherRows(all, last) : all);
    const mixed = attend(rows, inputs.length, sizes, inputs.mask);
    x = finishBlock(keep(x), keep(mixed), layer, config, weights);
  }
  return { logits: head(x, config, weights), caches };
};

/**
 * One new token for each of R rows. Declares `ids` [R], `cos`, `sin` [R, d / 2], `last` [R] int32 (tokens in each
 * row's cache), `total` [1] int32 (largest of last + 1), `keys.<layer>` and `values.<layer>` [R, K, L, d].
 */
export const decodeStep = (
  rows: number,
  capacity: number,
  config: Qwen25VLConfig,
  weights: Weights,
): PrefillValues => {
  const { text } = config;
  const tables = { cos: input("cos", [rows, text.headDim / 2]), sin: input("sin", [rows, text.headDim / 2]) };
  const last = input("last", [rows], "int32");
  const total = input("total", [1], "int32");
  let x = gatherRows(weights.get("model.embed_tokens.weight"), input("ids", [rows], "int64"));
  const caches: KeyValues[] = [];
  for (let layer = 0; layer < text.layers; layer++) {
    const { query, key, value } = blockProjections(x, layer, tables, config, weights);
    const shape = [rows, text.kvHeads, capacity, text.headDim];
    const [pastKey, pastValue] = [input(`keys.${layer}`, shape), input(`values.${layer}`, shape)];
    const attention = { query, key, value, pastKey, pastValue, last, total };
    const [mixed, keys, values] = cachedAttention(attention, text.heads, text.kvHeads) as [
      Value,
      Value,
      Value,
    ];
    caches.push({ keys, values });
    x = finishBlock(x, mixed, layer, config, weights);
  }
  return { logits: head(x, config, weights), caches };
};
