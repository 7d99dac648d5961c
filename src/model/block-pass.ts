/**
 * How a batch passes through the blocks of the language model: which rows go on, and which are tapped.
 *
 * Legend: B samples, T positions of a sample, N = B T rows, D width, d head size.
 */
import { reshape } from "../graph/ops/broadcast.ts";
import { concat, split } from "../graph/ops/layout.ts";
import { gatherRows } from "../graph/ops/rows.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { type BlockInputs, languageBlock, positionInputs } from "./language-block.ts";
import type { LanguageShape } from "./language-shape.ts";
import type { Weights } from "./weights.ts";

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
  const { tailEnd } = shape;
  return Array.from({ length: blocks }, (_, layer) => {
    const tapped = shape.taps.find(({ block }) => block === layer + 1)?.rows ?? 0;
    const end = shape.scored === 0 ? "none" : "scored";
    const inside = layer + 1 === tailEnd ? "main" : "all";
    const goesOn = layer + 1 === blocks ? end : inside;
    return { layer, tapped, goesOn, afterTail: tailEnd > 0 && layer >= tailEnd };
  });
};

/** How the mask of all positions may be cut. */
export const sectionsOf = ({ readsBlind, sections }: LanguageShape): readonly number[] | "whole" =>
  readsBlind === true ? "whole" : (sections ?? []);

/** Position inputs of a pass: those of all positions, or of the main ones. */
export const passPositions = (pass: BlockPass, shape: LanguageShape, config: ModelConfig): BlockInputs =>
  pass.afterTail
    ? positionInputs("main.", shape.samples, shape.mainLength, config)
    : positionInputs("", shape.samples, shape.length, config, sectionsOf(shape));

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

/** Keeps the first `kept` positions of each of `samples` samples of `length` rows. */
const keepPositions = (x: Value, samples: number, length: number, kept: number): Value => {
  const stacked = reshape(x, [samples, length, x.shape[1]!]);
  return reshape(split(stacked, 1, [kept, length - kept])[0]!, [samples * kept, x.shape[1]!]);
};

/**
 * Rows [N, D] through language block `pass.layer`. Where only some rows are read, only they are computed: tapped rows
 * stand behind those that go on.
 */
export const passBlock = (
  x: Value,
  pass: BlockPass,
  { positions, tapped, scored }: PassInputs,
  shape: LanguageShape,
  config: ModelConfig,
  weights: Weights,
): PassedRows => {
  if (pass.goesOn === "all") {
    const { x: out } = languageBlock(x, pass.layer, positions, config, weights);
    return { x: out, tapped: tapped && gatherRows(out, tapped) };
  }
  const goesOn = (all: Value): Value[] => {
    if (pass.goesOn === "main") return [keepPositions(all, shape.samples, shape.length, shape.mainLength)];
    return scored === undefined ? [] : [gatherRows(all, scored)];
  };
  const keep = (all: Value): Value =>
    concat([...goesOn(all), ...(tapped === undefined ? [] : [gatherRows(all, tapped)])], 0);
  const { x: kept } = languageBlock(x, pass.layer, positions, config, weights, keep);
  if (tapped === undefined) return { x: kept, tapped: undefined };
  if (pass.goesOn === "none") return { x: undefined, tapped: kept };
  const [going, behind] = split(kept, 0, [kept.shape[0]! - pass.tapped, pass.tapped]);
  return { x: going, tapped: behind };
};
