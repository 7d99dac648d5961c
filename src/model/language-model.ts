/**
 * The language model over rows of a batch.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, D width, d head size, U visual tokens, W words (text
 * tokens that are looked up), M rows whose next token is scored, V vocabulary.
 */
import { add, mul, scale } from "../graph/ops/elementwise.ts";
import { input, stopGradient } from "../graph/ops/inputs.ts";
import { concat } from "../graph/ops/layout.ts";
import { rmsNorm, tokenLogprob } from "../graph/ops/normalize.ts";
import { gatherRows, zeroRow } from "../graph/ops/rows.ts";
import type { Value } from "../graph/value.ts";
import { blockPasses, type PassedRows, passBlock, passPositions, sectionsOf } from "./block-pass.ts";
import type { ModelConfig } from "./config.ts";
import { type BlockInputs, positionInputs } from "./language-block.ts";
import { headModule, lastNormName, tableName } from "./language-names.ts";
import type { LanguageShape } from "./language-shape.ts";
import { linearModule, productWith, type Weights } from "./weights.ts";

/** Logits of rows after the last block: [M, D] to [M, V]. */
export const head = (x: Value, config: ModelConfig, weights: Weights): Value => {
  const normed = rmsNorm(x, weights.get(lastNormName), config.text.rmsNormEps);
  if (config.text.tieWordEmbeddings) return productWith(normed, tableName, weights);
  return linearModule(normed, headModule, weights, false);
};

/**
 * Scores [M, C] of the distribution that is drawn from, out of logits of C tokens; the input `scored.banned` [C] holds
 * {@link hiddenScore} for tokens that are never drawn and 0 for the others.
 */
export const drawnScores = (logits: Value, { drawn }: Pick<LanguageShape, "drawn">): Value => {
  if (drawn === undefined) return logits;
  const scores = scale(logits, 1 / drawn.temperature);
  return drawn.isBanning ? add(scores, input("scored.banned", [logits.shape[1]!])) : scores;
};

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

/** Visual tokens once more, under a dropout mask (inputs `dropped.rows` and `dropped.mask`, which holds 0 or 1/(1-p)). */
const droppedRows = (visual: Value, count: number): Value =>
  mul(
    gatherRows(visual, input("dropped.rows", [count], "int64")),
    input("dropped.mask", [count, visual.shape[1]!]),
  );

/** Words looked up and visual tokens put in their places: [N, D]. Inputs `ids`, `source`, with padding `ids.padding`. */
export const embed = (shape: LanguageShape, visual: Value | undefined, weights: Weights): Value => {
  const table = weights.get(tableName);
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

/**
 * The language model on a batch of sequences that mix words and visual tokens.
 *
 * Declares the inputs `ids` [W], `source` [N] (row of words, then visual tokens, then one row of zeros, then dropped visual tokens, then padding), `cos`, `sin`
 * [N, d / 2], `mask` [B, 1, T, T], `scored.rows`, `scored.targets` [M], with banned tokens `scored.banned` [V], `tap.<block>` [rows], with a contrastive tail
 * `main.mask`, `main.cos`, `main.sin`, and with dropout `dropped.rows`, `dropped.mask`.
 *
 * Rows in `scored.rows` and in taps behind the tail's end count the kept positions only.
 */
export const languageModel = (
  shape: LanguageShape,
  visual: Value | undefined,
  config: ModelConfig,
  weights: Weights,
): LanguageValues => {
  const embedded = embed(shape, visual, weights);
  const scored = shape.scored === 0 ? undefined : input("scored.rows", [shape.scored], "int64");
  const states = new Map<number, Value>();
  const before = positionInputs("", shape.samples, shape.length, config, sectionsOf(shape));
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
  const targets = input("scored.targets", [shape.scored], "int64");
  const tokenLogprobs = tokenLogprob(drawnScores(logits, shape), targets);
  return { embedded, logits, tokenLogprobs, states };
};
