/**
 * The vision tower: patches to visual tokens. Rows are in window order from the first block to the last.
 *
 * Legend: P patches, U = P / merge^2 merge units (visual tokens), D width, d head size.
 */
import type { Grid } from "../../frames/grid.ts";
import { reshape } from "../../graph/ops/broadcast.ts";
import { add, gelu, swiglu } from "../../graph/ops/elementwise.ts";
import { input } from "../../graph/ops/inputs.ts";
import { linear } from "../../graph/ops/matmul.ts";
import { rmsNorm } from "../../graph/ops/normalize.ts";
import { rotary } from "../../graph/ops/rotary.ts";
import { permuteRows } from "../../graph/ops/rows.ts";
import type { Value } from "../../graph/value.ts";
import type { TowerPart, VisionPlan, VisionShape, VisionTower } from "../family.ts";
import {
  attendSegments,
  groupedOrder,
  groupedOrderInputs,
  groupSegments,
  groupSizes,
  type RowOrder,
  type RowSegments,
  type SegmentGroup,
} from "../row-groups.ts";
import { patchRotary } from "../vision-rotary.ts";
import { linearModule, linearPieces, type Weights } from "../weights.ts";
import type { Qwen25VLConfig, VisionConfig } from "./config.ts";
import { towerParameters } from "./tower-parameters.ts";
import { visionLayout } from "./windows.ts";

interface WindowShape extends VisionShape {
  readonly windows: readonly SegmentGroup[];
  readonly steps: readonly SegmentGroup[];
}

const plan = (grids: readonly Grid[], { vision }: Qwen25VLConfig): VisionPlan => {
  const layout = visionLayout(grids, vision);
  const unitSize = vision.spatialMergeSize ** 2;
  const places = new Int32Array(layout.patches * 2);
  for (let place = 0; place < layout.units; place++) {
    const unit = layout.windowIndex_U[place]! * unitSize * 2;
    places.set(layout.rotary_P2.subarray(unit, unit + unitSize * 2), place * unitSize * 2);
  }
  const windows = groupSegments(layout.windowOffsets_W1);
  const steps = groupSegments(layout.stepOffsets_S1);
  const [windowRows, windowRowsInverse] = groupedOrder(windows, layout.patches);
  const [stepRows, stepRowsInverse] = groupedOrder(steps, layout.patches);
  const { cos, sin } = patchRotary(places, vision.headDim, vision.ropeTheta);
  const shape: WindowShape = { patches: layout.patches, units: layout.units, windows, steps };
  return {
    shape,
    feeds: {
      // Unit at each place of window order, and the inverse.
      "vision.order": BigInt64Array.from(layout.windowIndex_U, BigInt),
      "vision.inverse": BigInt64Array.from(layout.windowInverse_U, BigInt),
      "vision.cos": cos,
      "vision.sin": sin,
      "vision.windowRows": windowRows,
      "vision.windowRowsInverse": windowRowsInverse,
      "vision.stepRows": stepRows,
      "vision.stepRowsInverse": stepRowsInverse,
    },
  };
};

/** Orders and position tables of the tower. */
interface TowerInputs {
  /** Units in window order [U]. */
  readonly units: RowOrder;
  readonly windows: RowOrder | undefined;
  readonly steps: RowOrder | undefined;
  /** [P, d / 2] */
  readonly tables: { readonly cos: Value; readonly sin: Value };
}

const towerInputs = (shape: WindowShape, vision: VisionConfig): TowerInputs => {
  const units = (name: string): Value => input(`vision.${name}`, [shape.units], "int64");
  const table = (name: string): Value => input(`vision.${name}`, [shape.patches, vision.headDim / 2]);
  return {
    units: { rows: units("order"), inverse: units("inverse") },
    windows: groupedOrderInputs("vision.window", shape.windows, shape.patches),
    steps: groupedOrderInputs("vision.step", shape.steps, shape.patches),
    tables: { cos: table("cos"), sin: table("sin") },
  };
};

/** Pixels to rows [P, D] in window order. */
const embedPatches = (
  shape: WindowShape,
  { units: { rows, inverse } }: TowerInputs,
  vision: VisionConfig,
  weight: Value,
): Value => {
  const unitSize = vision.spatialMergeSize ** 2;
  const patchSize = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const pixels = input("vision.pixels", [shape.patches, patchSize]);
  // Patches are embedded before they are put in window order: their rows are shorter then.
  const units = reshape(linear(pixels, weight), [shape.units, unitSize * vision.hiddenSize]);
  return reshape(permuteRows(units, rows, inverse), [shape.patches, vision.hiddenSize]);
};

/** One block: x + attention(norm(x)), then x + mlp(norm(x)). */
const towerBlock = (
  x: Value,
  segments: RowSegments,
  tables: TowerInputs["tables"],
  vision: VisionConfig,
  weights: Weights,
  prefix: string,
): Value => {
  const width = vision.hiddenSize;
  const normed = rmsNorm(x, weights.get(`${prefix}norm1.weight`), vision.rmsNormEps);
  const [query, key, value] = linearPieces(
    normed,
    `${prefix}attn.qkv`,
    [width, width, width],
    weights,
    true,
  ) as [Value, Value, Value];
  const turn = (rows: Value): Value => rotary(rows, tables.cos, tables.sin);
  const sizes = { heads: vision.heads, kvHeads: vision.heads, headDim: vision.headDim };
  const mixed = attendSegments({ query: turn(query), key: turn(key), value }, segments, sizes);
  const attended = add(x, linearModule(mixed, `${prefix}attn.proj`, weights, true));
  const inner = rmsNorm(attended, weights.get(`${prefix}norm2.weight`), vision.rmsNormEps);
  const hidden = swiglu(
    linearModule(inner, `${prefix}mlp.gate_proj`, weights, true),
    linearModule(inner, `${prefix}mlp.up_proj`, weights, true),
  );
  return add(attended, linearModule(hidden, `${prefix}mlp.down_proj`, weights, true));
};

/** Merges 2x2 patches, projects to the language model's width, and undoes the window order: [P, D] to [U, out]. */
const mergeUnits = (
  x: Value,
  { units: { rows, inverse } }: TowerInputs,
  vision: VisionConfig,
  weights: Weights,
  prefix: string,
): Value => {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const normed = rmsNorm(x, weights.get(`${prefix}ln_q.weight`), vision.rmsNormEps);
  const units = reshape(normed, [(x.shape[0]! * vision.hiddenSize) / merged, merged]);
  const inner = gelu(linearModule(units, `${prefix}mlp.0`, weights, true));
  return permuteRows(linearModule(inner, `${prefix}mlp.2`, weights, true), inverse, rows);
};

const parts = (of: VisionShape, { vision }: Qwen25VLConfig): readonly TowerPart[] => {
  const shape = of as WindowShape;
  const inputs = towerInputs(shape, vision);
  const rows = [shape.patches, vision.hiddenSize] as const;
  const windows = { groups: shape.windows, order: inputs.windows };
  const steps = { groups: shape.steps, order: inputs.steps };
  return [
    {
      key: `patches ${shape.patches}`,
      prefix: "visual.patch_embed.",
      rows: undefined,
      build: (_, weights, prefix) => embedPatches(shape, inputs, vision, weights.get(`${prefix}proj.weight`)),
    },
    ...Array.from({ length: vision.depth }, (_, block): TowerPart => {
      const segments = vision.fullAttentionBlocks.includes(block) ? steps : windows;
      return {
        key: `vision ${segments === steps} ${JSON.stringify(groupSizes(segments.groups))}`,
        prefix: `visual.blocks.${block}.`,
        rows,
        build: (x, weights, prefix) => towerBlock(x!, segments, inputs.tables, vision, weights, prefix),
      };
    }),
    {
      key: `merger ${shape.patches}`,
      prefix: "visual.merger.",
      rows,
      build: (x, weights, prefix) => mergeUnits(x!, inputs, vision, weights, prefix),
    },
  ];
};

/** @source Qwen2.5-VL technical report 2025; transformers, `Qwen2_5_VisionTransformerPretrainedModel` */
export const qwen25Tower: VisionTower<Qwen25VLConfig> = { parameters: towerParameters, plan, parts };
