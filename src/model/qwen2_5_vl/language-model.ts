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

/** How a batch passes through one block. */
export interface BlockPass {
  /** 0-based. */
  readonly layer: number;
  /** Rows that are tapped after the block; 0: none. */
  readonly tapped: number;
  /** Which rows go on: all, the positions before the contrastive tail, the scored ones, or none. */
  readonly goesOn: "all" | "main" | "scored" | "none";
  /** The tail has ended before this block: positions and mask are the inputs `main.*`. */
  readonly afterTail: boolean;
}

/** The blocks that a batch needs, in order: up to the last one when rows are scored, else up to the last tap. */
export const blockPasses = (shape: LanguageShape, layers: number): readonly BlockPass[] => {
  const lastTap = Math.max(0, ...shape.taps.map((tap) => tap.block));
  const blocks = shape.scored === 0 ? lastTap : layers;
  const hasTail = shape.mainLength < shape.length;
  return Array.from({ length: blocks }, (_, layer) => {
    const tapped = shape.taps.find(({ block }) => block === layer + 1)?.rows ?? 0;
    const end = shape.scored === 0 ? "none" : "scored";
    const inside = hasTail && layer + 1 === lastTap ? "main" : "all";
    const goesOn = layer + 1 === blocks ? end : inside;
    return { layer, tapped, goesOn, afterTail: hasTail && layer >= lastTap && lastTap > 0 };
  });
};

/** Position inputs of a pass: those of all positions, or of the main ones. */
export const passPositions = (pass: BlockPass, shape: LanguageShape, config: Qwen25VLConfig): BlockInputs =>
  pass.afterTail
    ? positionInputs("main.", shape.samples, shape.mainLength, config)
    : positionInputs("", shape.samples, shape.length, config);

/** What a pass through a block reads besides the rows. */
export interface PassInputs {
  readonly positions: BlockInputs;
  /** Row numbers (int64) of what is tapped; undefined: nothing. */
  readonly tapped: Value | undefined;
  /** Row numbers (int64) of what is scored; undefined: nothing. */
  readonly scored: Value | undefined;
}

/** What a block gives: rows that go on, and tapped rows. */
export interface PassedRows {
  readonly x: Value | undefined;
  readonly tapped: Value | undefined;
}

/**
 * Rows [N, D] through language block `pass.layer`. Where only some rows are read, only they are computed: tapped rows
 * stand behind those that go on.
 */
export const passBlock = (
  x: Value,
  pass: BlockPass,
  { positions, tapped, scored }: PassInputs,
  shape: LanguageShape,
  config: Qwen25VLConfig,
  weights: Weights,
): PassedRows => {
  if (pass.goesOn === "all") {
    const out = languageBlock(x, pass.layer, positions, config, weights);
    return { x: out, tapped: tapped && gatherRows(out, tapped) };
  }
  const goesOn = (all: Value): Value[] => {
    if (pass.goesOn === "main") return [keepPositions(all, shape.samples, shape.length, shape.mainLength)];
    return scored === undefined ? [] : [gatherRows(all, scored)];
  };
  const keep = (all: Value): Value =>
    concat([...goesOn(all), ...(tapped === undefined ? [] : [gatherRows(all, tapped)])], 0);
  const kept = languageBlock(x, pass.layer, positions, config, weights, keep);
  if (tapped === undefined) return { x: kept, tapped: undefined };
  if (pass.goesOn === "none") return { x: undefined, tapped: kept };
  const [going, behind] = split(kept, 0, [kept.shape[0]! - pass.tapped, pass.tapped]);
  return { x: going, tapped: behind };
};

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
  const embedded = embed(shape, visual, weights);
  const scored = shape.scored === 0 ? undefined : input("scored.rows", [shape.scored], "int64");
  const states = new Map<number, Value>();
  const before = positionInputs("", shape.samples, shape.length, config);
  let after: BlockInputs | undefined;
  let x: Value | undefined = embedded;
  for (const pass of blockPasses(shape, config.text.layers)) {
    const block = pass.layer + 1;
    const tapped = pass.tapped === 0 ? undefined : input(`tap.${block}`, [pass.tapped], "int64");
    if (pass.afterTail) after ??= passPositions(pass, shape, config);
    const inputs = { positions: after ?? before, tapped, scored };
    const made: PassedRows = passBlock(x!, pass, inputs, shape, config, weights);
    if (made.tapped !== undefined) states.set(block, made.tapped);
    x = made.x;
  }
  if (scored === undefined) return { embedded, logits: undefined, tokenLogprobs: undefined, states };
  const logits = head(x!, config, weights);
  const tokenLogprobs = tokenLogprob(logits, input("scored.targets", [shape.scored], "int64"));
  return { embedded, logits, tokenLogprobs, states };
};
