/**
 * The vision tower: patches to visual tokens. Rows are in window order from the first block to the last.
 *
 * Legend: P patches, U = P / merge^2 merge units (visual tokens), D width, d head size.
 */
import type { Grid } from "../../frames/grid.ts";
import { reshape } from "../../graph/ops/broadcast.ts";
import { add, swiglu } from "../../graph/ops/elementwise.ts";
import { input } from "../../graph/ops/inputs.ts";
import { rmsNorm } from "../../graph/ops/normalize.ts";
import { permuteRows } from "../../graph/ops/rows.ts";
import type { Value } from "../../graph/value.ts";
import type { TowerPart, VisionPlan, VisionShape, VisionTower } from "../family.ts";
import {
  groupedOrder,
  groupedOrderInputs,
  groupSegments,
  groupSizes,
  type RowOrder,
  type SegmentGroup,
} from "../row-groups.ts";
import { embedPatches, mergeUnits, rotaryInputs, towerAttention } from "../tower-pieces.ts";
import { patchRotary } from "../vision-rotary.ts";
import { linearModule, type Weights } from "../weights.ts";
import { type Qwen25VLConfig, towerSizes, type VisionConfig } from "./config.ts";
import { towerParameters } from "./tower-parameters.ts";
import { windowLayout } from "./windows.ts";

interface WindowShape extends VisionShape {
  readonly windows: readonly SegmentGroup[];
  readonly steps: readonly SegmentGroup[];
}

const plan = (grids: readonly Grid[], { vision }: Qwen25VLConfig): VisionPlan => {
  const layout = windowLayout(grids, vision);
  const unitSize = vision.spatialMergeSize ** 2;
  const places = new Int32Array(layout.patches * 2);
  for (let place = 0; place < layout.units; place++) {
    const unit = layout.windowIndex_U[place]! * unitSize * 2;
    places.set(layout.places_P2.subarray(unit, unit + unitSize * 2), place * unitSize * 2);
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

/** Orders of the tower's rows. */
interface TowerOrders {
  /** Units in window order [U]. */
  readonly units: RowOrder;
  readonly windows: RowOrder | undefined;
  readonly steps: RowOrder | undefined;
}

const orderInputs = (shape: WindowShape): TowerOrders => {
  const units = (name: string): Value => input(`vision.${name}`, [shape.units], "int64");
  return {
    units: { rows: units("order"), inverse: units("inverse") },
    windows: groupedOrderInputs("vision.window", shape.windows, shape.patches),
    steps: groupedOrderInputs("vision.step", shape.steps, shape.patches),
  };
};

/** Rows [P, D] in window order instead of processor order: the patches of a unit stay together. */
const inWindowOrder = (x: Value, { rows, inverse }: RowOrder): Value => {
  const [patches, width] = x.shape as [number, number];
  const units = rows.shape[0]!;
  return reshape(permuteRows(reshape(x, [units, (patches / units) * width]), rows, inverse), [
    patches,
    width,
  ]);
};

/** x + mlp(norm(x)). */
const gatedMlp = (x: Value, vision: VisionConfig, weights: Weights, prefix: string): Value => {
  const inner = rmsNorm(x, weights.get(`${prefix}norm2.weight`), vision.rmsNormEps);
  const hidden = swiglu(
    linearModule(inner, `${prefix}mlp.gate_proj`, weights, true),
    linearModule(inner, `${prefix}mlp.up_proj`, weights, true),
  );
  return add(x, linearModule(hidden, `${prefix}mlp.down_proj`, weights, true));
};

const parts = (of: VisionShape, { vision }: Qwen25VLConfig): readonly TowerPart[] => {
  const shape = of as WindowShape;
  const sizes = towerSizes(vision);
  const orders = orderInputs(shape);
  const tables = rotaryInputs(shape.patches, sizes);
  const rows = [shape.patches, sizes.width] as const;
  const windows = { groups: shape.windows, order: orders.windows };
  const steps = { groups: shape.steps, order: orders.steps };
  return [
    {
      key: `patches ${shape.patches}`,
      prefix: "visual.patch_embed.",
      rows: undefined,
      // Patches are embedded before they are put in window order: their rows are shorter then.
      build: (_, weights, prefix) =>
        inWindowOrder(embedPatches(shape.patches, sizes, weights, prefix), orders.units),
    },
    ...Array.from({ length: vision.depth }, (_, block): TowerPart => {
      const segments = vision.fullAttentionBlocks.includes(block) ? steps : windows;
      return {
        key: `vision ${segments === steps} ${JSON.stringify(groupSizes(segments.groups))}`,
        prefix: `visual.blocks.${block}.`,
        rows,
        build: (x, weights, prefix) => {
          const normed = rmsNorm(x!, weights.get(`${prefix}norm1.weight`), vision.rmsNormEps);
          const attended = towerAttention(normed, segments, tables, sizes, weights, `${prefix}attn`);
          return gatedMlp(add(x!, attended), vision, weights, prefix);
        },
      };
    }),
    {
      key: `merger ${shape.patches}`,
      prefix: "visual.merger.",
      rows,
      build: (x, weights, prefix) => {
        const normed = rmsNorm(x!, weights.get(`${prefix}ln_q.weight`), vision.rmsNormEps);
        const { rows: order, inverse } = orders.units;
        return permuteRows(mergeUnits(normed, sizes, weights, prefix), inverse, order);
      },
    },
  ];
};

/** @source Qwen2.5-VL technical report 2025; transformers, `Qwen2_5_VisionTransformerPretrainedModel` */
export const qwen25Tower: VisionTower<Qwen25VLConfig> = { parameters: towerParameters, plan, parts };
