/**
 * The vision tower: patches to visual tokens.
 *
 * Legend: P patches, U = P / merge^2 merge units (visual tokens), D width, d head size.
 */

import { reshape } from "../../graph/ops/broadcast.ts";
import { add, gelu, swiglu } from "../../graph/ops/elementwise.ts";
import { input } from "../../graph/ops/inputs.ts";
import { concat, split } from "../../graph/ops/layout.ts";
import { linear } from "../../graph/ops/matmul.ts";
import { rmsNorm } from "../../graph/ops/normalize.ts";
import { rotary } from "../../graph/ops/rotary.ts";
import { permuteRows } from "../../graph/ops/rows.ts";
import type { Value } from "../../graph/value.ts";
import { type AttentionRows, attend } from "../attention.ts";
import { linearModule, linearPieces, type Weights } from "../weights.ts";
import type { Qwen25VLConfig, VisionConfig } from "./config.ts";
import { type Grid, visionLayout } from "./windows.ts";

/** Segments of equal length, and where their rows are. */
export interface SegmentGroup {
  readonly length: number;
  /** First row of every segment. */
  readonly starts: readonly number[];
}

/** Consecutive segments sorted by length, so that each length is one stack of attentions. */
const groupSegments = (offsets: ArrayLike<number>): readonly SegmentGroup[] => {
  const groups = new Map<number, number[]>();
  for (let i = 0; i + 1 < offsets.length; i++) {
    const length = offsets[i + 1]! - offsets[i]!;
    groups.set(length, [...(groups.get(length) ?? []), offsets[i]!]);
  }
  return [...groups].map(([length, starts]) => ({ length, starts }));
};

/** Everything about a list of visuals that the graph's shape depends on. */
export interface VisionShape {
  readonly patches: number;
  readonly units: number;
  readonly windows: readonly SegmentGroup[];
  readonly steps: readonly SegmentGroup[];
}

/** Numbers to feed for a list of visuals besides the pixels. */
export interface VisionFeeds {
  /** [U] unit at each place of window order, and its inverse. */
  readonly order: BigInt64Array;
  readonly inverse: BigInt64Array;
  /** [P, d / 2] rotary tables in window order. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** Row orders that sort segments by length, and their inverses; empty when all are equally long. */
  readonly windowRows: BigInt64Array;
  readonly windowRowsInverse: BigInt64Array;
  readonly stepRows: BigInt64Array;
  readonly stepRowsInverse: BigInt64Array;
}

const rowOrder = (groups: readonly SegmentGroup[], rows: number): [BigInt64Array, BigInt64Array] => {
  if (groups.length <= 1) return [new BigInt64Array(0), new BigInt64Array(0)];
  const order = new BigInt64Array(rows);
  const inverse = new BigInt64Array(rows);
  let at = 0;
  for (const { length, starts } of groups)
    for (const start of starts)
      for (let row = start; row < start + length; row++) {
        inverse[row] = BigInt(at);
        order[at++] = BigInt(row);
      }
  return [order, inverse];
};

/** Shape and feeds for visuals of these grids, one behind the other. */
export const planVision = (
  grids: readonly Grid[],
  vision: VisionConfig,
): { shape: VisionShape; feeds: VisionFeeds } => {
  const layout = visionLayout(grids, vision);
  const half = vision.headDim / 2;
  const quarter = half / 2;
  const unitSize = vision.spatialMergeSize ** 2;
  const cos = new Float32Array(layout.patches * half);
  const sin = new Float32Array(layout.patches * half);
  for (let place = 0; place < layout.units; place++) {
    for (let inside = 0; inside < unitSize; inside++) {
      const patch = layout.windowIndex_U[place]! * unitSize + inside;
      const to = (place * unitSize + inside) * half;
      for (let axis = 0; axis < 2; axis++) {
        for (let j = 0; j < quarter; j++) {
          const angle = Math.fround(layout.rotary_P2[patch * 2 + axis]! * vision.ropeTheta ** (-j / quarter));
          cos[to + axis * quarter + j] = Math.cos(angle);
          sin[to + axis * quarter + j] = Math.sin(angle);
        }
      }
    }
  }
  const windows = groupSegments(layout.windowOffsets_W1);
  const steps = groupSegments(layout.stepOffsets_S1);
  const [windowRows, windowRowsInverse] = rowOrder(windows, layout.patches);
  const [stepRows, stepRowsInverse] = rowOrder(steps, layout.patches);
  return {
    shape: { patches: layout.patches, units: layout.units, windows, steps },
    feeds: {
      order: BigInt64Array.from(layout.windowIndex_U, BigInt),
      inverse: BigInt64Array.from(layout.windowInverse_U, BigInt),
      cos,
      sin,
      windowRows,
      windowRowsInverse,
      stepRows,
      stepRowsInverse,
    },
  };
};

/** Attention inside the segments of each group. */
const attendGroups = (
  rows: AttentionRows,
  groups: readonly SegmentGroup[],
  order: RowOrder | undefined,
  vision: VisionConfig,
): Value => {
  const sizes = { heads: vision.heads, kvHeads: vision.heads, headDim: vision.headDim };
  if (order === undefined) return attend(rows, groups[0]!.length, sizes);
  const sort = (x: Value): Value => permuteRows(x, order.rows, order.inverse);
  const sorted = [rows.query, rows.key, rows.value].map(sort) as [Value, Value, Value];
  const counts = groups.map(({ length, starts }) => length * starts.length);
  const pieces = sorted.map((x) => split(x, 0, counts));
  const mixed = groups.map(({ length }, i) =>
    attend({ query: pieces[0]![i]!, key: pieces[1]![i]!, value: pieces[2]![i]! }, length, sizes),
  );
  return permuteRows(concat(mixed, 0), order.inverse, order.rows);
};

/** One block: x + attention(norm(x)), then x + mlp(norm(x)). Rows in window order. */
const visionBlock = (
  x: Value,
  block: number,
  attention: (rows: AttentionRows) => Value,
  tables: { cos: Value; sin: Value },
  vision: VisionConfig,
  weights: Weights,
): Value => {
  const prefix = `visual.blocks.${block}`;
  const width = vision.hiddenSize;
  const normed = rmsNorm(x, weights.get(`${prefix}.norm1.weight`), vision.rmsNormEps);
  const sizes = [width, width, width];
  const [query, key, value] = linearPieces(normed, `${prefix}.attn.qkv`, sizes, weights, true) as [
    Value,
    Value,
    Value,
  ];
  const turn = (rows: Value): Value => rotary(rows, tables.cos, tables.sin);
  const mixed = attention({ query: turn(query), key: turn(key), value });
  const attended = add(x, linearModule(mixed, `${prefix}.attn.proj`, weights, true));
  const inner = rmsNorm(attended, weights.get(`${prefix}.norm2.weight`), vision.rmsNormEps);
  const hidden = swiglu(
    linearModule(inner, `${prefix}.mlp.gate_proj`, weights, true),
    linearModule(inner, `${prefix}.mlp.up_proj`, weights, true),
  );
  return add(attended, linearModule(hidden, `${prefix}.mlp.down_proj`, weights, true));
};

/** Merges 2x2 patches and projects to the language model's width: [P, D] to [U, out]. */
export const merger = (x: Value, vision: VisionConfig, weights: Weights): Value => {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const normed = rmsNorm(x, weights.get("visual.merger.ln_q.weight"), vision.rmsNormEps);
  const units = reshape(normed, [(x.shape[0]! * vision.hiddenSize) / merged, merged]);
  const inner = gelu(linearModule(units, "visual.merger.mlp.0", weights, true));
  return linearModule(inner, "visual.merger.mlp.2", weights, true);
};

/** The inputs that {@link visionTower} declares, by name. */
export const visionInputNames = [
  "vision.pixels",
  "vision.order",
  "vision.inverse",
  "vision.cos",
  "vision.sin",
  "vision.windowRows",
  "vision.windowRowsInverse",
  "vision.stepRows",
  "vision.stepRowsInverse",
] as const;

/** A row order (int64) and its inverse. */
export interface RowOrder {
  readonly rows: Value;
  readonly inverse: Value;
}

/** Orders and position tables of the tower; `windows` and `steps` only where segments are of several lengths. */
export interface TowerInputs {
  /** Units in window order [U]. */
  readonly units: RowOrder;
  readonly windows: RowOrder | undefined;
  readonly steps: RowOrder | undefined;
  /** [P, d / 2] */
  readonly tables: { readonly cos: Value; readonly sin: Value };
}

/** Declares the inputs of {@link visionInputNames} besides the pixels. */
export const towerInputs = (shape: VisionShape, vision: VisionConfig): TowerInputs => {
  const indices = (name: string, size: number): Value => input(`vision.${name}`, [size], "int64");
  const table = (name: string): Value => input(`vision.${name}`, [shape.patches, vision.headDim / 2]);
  const sorted = (name: string, groups: readonly SegmentGroup[]): RowOrder | undefined =>
    groups.length <= 1
      ? undefined
      : {
          rows: indices(`${name}Rows`, shape.patches),
          inverse: indices(`${name}RowsInverse`, shape.patches),
        };
  return {
    units: { rows: indices("order", shape.units), inverse: indices("inverse", shape.units) },
    windows: sorted("window", shape.windows),
    steps: sorted("step", shape.steps),
    tables: { cos: table("cos"), sin: table("sin") },
  };
};

/** Pixels (input `vision.pixels`, processor order) to rows [P, D] in window order. */
export const embedPatches = (
  shape: VisionShape,
  inputs: TowerInputs,
  vision: VisionConfig,
  weights: Weights,
): Value => {
  const unitSize = vision.spatialMergeSize ** 2;
  const patchSize = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const pixels = input("vision.pixels", [shape.patches, patchSize]);
  // Patches are embedded before they are put in window order: their rows are shorter then.
  const patches = linear(pixels, weights.get("visual.patch_embed.proj.weight"));
  const units = reshape(patches, [shape.units, unitSize * vision.hiddenSize]);
  const { rows, inverse } = inputs.units;
  return reshape(permuteRows(units, rows, inverse), [shape.patches, vision.hiddenSize]);
};

/** Rows among which a block attends: groups of segments, and the order that brings segments together. */
export interface TowerSegments {
  readonly groups: readonly SegmentGroup[];
  readonly order: RowOrder | undefined;
}

/** Temporal steps of a block with full attention, windows of the others. */
export const towerSegments = (full: boolean, shape: VisionShape, inputs: TowerInputs): TowerSegments =>
  full ? { groups: shape.steps, order: inputs.steps } : { groups: shape.windows, order: inputs.windows };

/** Rows [P, D] through block `block` with attention inside segments; tables are [P, d / 2]. */
export const towerBlock = (
  x: Value,
  block: number,
  { groups, order }: TowerSegments,
  tables: TowerInputs["tables"],
  vision: VisionConfig,
  weights: Weights,
): Value =>
  visionBlock(x, block, (rows) => attendGroups(rows, groups, order, vision), tables, vision, weights);

/** Rows after the last block to visual tokens in processor order: [P, D] to [U, out]. */
export const mergeTower = (x: Value, inputs: TowerInputs, vision: VisionConfig, weights: Weights): Value =>
  permuteRows(merger(x, vision, weights), inputs.units.inverse, inputs.units.rows);

/**
 * Visual tokens of all visuals of a batch, in processor order: [U, out].
 *
 * Declares the inputs of {@link visionInputNames}; `vision.pixels` is [P, channels * temporal * patch^2] in
 * processor order.
 *
 * @source Qwen2.5-VL technical report 2025; transformers, `Qwen2_5_VisionTransformerPretrainedModel`
 */
export const visionTower = (shape: VisionShape, config: Qwen25VLConfig, weights: Weights): Value => {
  const { vision } = config;
  const inputs = towerInputs(shape, vision);
  let x = embedPatches(shape, inputs, vision, weights);
  for (let block = 0; block < vision.depth; block++) {
    const segments = towerSegments(vision.fullAttentionBlocks.includes(block), shape, inputs);
    x = towerBlock(x, block, segments, inputs.tables, vision, weights);
  }
  return mergeTower(x, inputs, vision, weights);
};
