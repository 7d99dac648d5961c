/**
 * The language model's parts as stages.
 *
 * Legend: N rows, D width, W words, U visual tokens, M scored rows.
 */

import { input } from "../../../graph/ops/inputs.ts";
import { rmsNorm } from "../../../graph/ops/normalize.ts";
import { gatherRows } from "../../../graph/ops/rows.ts";
import type { Value } from "../../../graph/value.ts";
import { type BlockPass, passBlock, passPositions } from "../../../model/block-pass.ts";
import type { ModelConfig } from "../../../model/config.ts";
import { decodeBlock, decodeInputs, prefillBlock } from "../../../model/decode.ts";
import { positionInputs } from "../../../model/language-block.ts";
import { embed } from "../../../model/language-model.ts";
import { tableName } from "../../../model/language-names.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import type { Stage } from "./stage.ts";

/** Parameters of language block `layer`, called those of block `named` by the graphs. */
const blockPrefix = (layer: number, named = 0): Stage["prefix"] => ({
  graph: `model.layers.${named}.`,
  model: `model.layers.${layer}.`,
});

const counting = (count: number, from = 0): BigInt64Array =>
  BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i));

/** Words [W + padding, D] (looked up already) and visual tokens [U, D], if any, to rows [N, D]. */
export const embedStage = (batch: ModelBatch, config: ModelConfig): Stage => {
  const { language: shape } = batch;
  const width = config.text.hiddenSize;
  const { visualTokens } = shape;
  return {
    key: `embed ${JSON.stringify([shape.samples * shape.length, shape.words, shape.padding, shape.dropped, visualTokens])}`,
    inputs: [[shape.words + shape.padding, width], ...(visualTokens > 0 ? [[visualTokens, width]] : [])],
    build: ([words, visual], weights) => [
      embed(shape, visual, { ...weights, get: (name) => (name === tableName ? words! : weights.get(name)) }),
    ],
    prefix: { graph: "words.", model: "words." },
    feeds: {
      ...batch.feeds,
      ids: counting(shape.words),
      "ids.padding": counting(shape.padding, shape.words),
    },
  };
};

/** One block on a pass of the batch: rows [N, D] to rows that go on, if any, and tapped rows, if any. */
export const blockStage = (pass: BlockPass, batch: ModelBatch, config: ModelConfig): Stage => {
  const { language: shape } = batch;
  const positions = pass.afterTail ? shape.mainLength : shape.length;
  const { samples, length, mainLength, tailEnd, scored, readsBlind, sections } = shape;
  const { tapped, goesOn, afterTail } = pass;
  return {
    key: `block ${JSON.stringify([samples, length, mainLength, tailEnd > 0, scored, readsBlind, sections, tapped, goesOn, afterTail])}`,
    inputs: [[samples * positions, config.text.hiddenSize]],
    build: ([x], weights) => {
      const inputs = {
        positions: passPositions(pass, shape, config),
        tapped: tapped === 0 ? undefined : input("tapped.rows", [tapped], "int64"),
        scored: scored === 0 ? undefined : input("scored.rows", [scored], "int64"),
      };
      // All blocks share one graph, in which they are called block 0.
      const passed = passBlock(x!, { ...pass, layer: 0 }, inputs, shape, config, weights);
      return [passed.x, passed.tapped].filter((value) => value !== undefined);
    },
    prefix: blockPrefix(pass.layer),
    feeds:
      tapped === 0 ? batch.feeds : { ...batch.feeds, "tapped.rows": batch.feeds[`tap.${pass.layer + 1}`]! },
  };
};

/** Block `layer` on prompts: rows [N, D] to rows that go on, keys and values [B, K, T, d]. */
export const prefillStage = (layer: number, batch: ModelBatch, config: ModelConfig): Stage => {
  const { samples, length, scored } = batch.language;
  const isLast = layer + 1 === config.text.layers;
  return {
    key: `prefill ${JSON.stringify([samples, length, scored, isLast])}`,
    inputs: [[samples * length, config.text.hiddenSize]],
    build: ([x], weights) => {
      const inputs = positionInputs("", samples, length, config);
      const last = input("scored.rows", [scored], "int64");
      const keep = isLast ? (all: Value): Value => gatherRows(all, last) : undefined;
      const block = prefillBlock(x!, 0, inputs, config, weights, keep);
      return [block.x, block.keys, block.values];
    },
    prefix: blockPrefix(layer),
    feeds: batch.feeds,
  };
};

/**
 * Block `layer` on one new token a row: x [R, D], keys and values [R, K, L, d] to the same.
 *
 * @param named block whose names the graph uses: 0 for a graph that all blocks share
 */
export const decodeStage = (
  layer: number,
  rows: number,
  capacity: number,
  config: ModelConfig,
  named = 0,
): Stage => {
  const { kvHeads, headDim, hiddenSize } = config.text;
  const cache = [rows, kvHeads, capacity, headDim];
  return {
    key: `decode ${rows} ${capacity}`,
    inputs: [[rows, hiddenSize], cache, cache],
    build: ([x, keys, values], weights) => {
      const past = { keys: keys!, values: values! };
      const block = decodeBlock(x!, named, past, decodeInputs(rows, config), config, weights);
      return [block.x, block.keys, block.values];
    },
    prefix: blockPrefix(layer, named),
    feeds: {},
  };
};

/** The norm before the head: [M, D] to [M, D]. */
export const lastNormStage = (rows: number, config: ModelConfig): Stage => ({
  key: `last norm ${rows}`,
  inputs: [[rows, config.text.hiddenSize]],
  build: ([x], weights) => [rmsNorm(x!, weights.get("model.norm.weight"), config.text.rmsNormEps)],
  prefix: { graph: "model.norm.", model: "model.norm." },
  feeds: {},
});
