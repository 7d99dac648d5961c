/**
 * What the towers of several families are made of.
 *
 * Legend: P patches, D width, d head size, U visual tokens.
 */
import { reshape } from "../graph/ops/broadcast.ts";
import { gelu } from "../graph/ops/elementwise.ts";
import { input } from "../graph/ops/inputs.ts";
import { linear } from "../graph/ops/matmul.ts";
import { rotary } from "../graph/ops/rotary.ts";
import type { Value } from "../graph/value.ts";
import { linearParameters, type Parameter } from "../weights/parameter.ts";
import type { VisionSizes } from "./config.ts";
import { attendSegments, type RowSegments } from "./row-groups.ts";
import { linearModule, linearPieces, type Weights } from "./weights.ts";

/** Width and heads of a tower. */
export interface TowerSizes extends VisionSizes {
  /** D */
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
}

/** Rotary tables [P, d / 2]. */
export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

/** Declares `vision.cos` and `vision.sin`. */
export const rotaryInputs = (patches: number, { headDim }: TowerSizes): RotaryTables => ({
  cos: input("vision.cos", [patches, headDim / 2]),
  sin: input("vision.sin", [patches, headDim / 2]),
});

/** The kernel of the patch embedding. */
export const patchKernel = (sizes: TowerSizes): Parameter => ({
  name: "visual.patch_embed.proj.weight",
  shape: [sizes.width, sizes.inChannels, sizes.temporalPatchSize, sizes.patchSize, sizes.patchSize],
});

/** Pixels (input `vision.pixels`) to rows [P, D] in processor order. */
export const embedPatches = (patches: number, sizes: TowerSizes, weights: Weights, prefix: string): Value => {
  const numbers = sizes.inChannels * sizes.temporalPatchSize * sizes.patchSize ** 2;
  return linear(input("vision.pixels", [patches, numbers]), weights.get(`${prefix}proj.weight`));
};

/** Parameters of {@link towerAttention}. */
export const attentionParameters = (module: string, { width }: TowerSizes): Parameter[] => [
  ...linearParameters(`${module}.qkv`, 3 * width, width, true),
  ...linearParameters(`${module}.proj`, width, width, true),
];

/** Attention of normalised rows [P, D] inside segments, projected. */
export const towerAttention = (
  normed: Value,
  segments: RowSegments,
  tables: RotaryTables,
  { width, heads, headDim }: TowerSizes,
  weights: Weights,
  module: string,
): Value => {
  const sizes = [width, width, width];
  const [query, key, value] = linearPieces(normed, `${module}.qkv`, sizes, weights, true) as [
    Value,
    Value,
    Value,
  ];
  const turn = (rows: Value): Value => rotary(rows, tables.cos, tables.sin);
  const rows = { query: turn(query), key: turn(key), value };
  const mixed = attendSegments(rows, segments, { heads, kvHeads: heads, headDim });
  return linearModule(mixed, `${module}.proj`, weights, true);
};

/** Parameters of {@link mergeUnits}. */
export const mergerParameters = (sizes: TowerSizes): Parameter[] => {
  const merged = sizes.width * sizes.spatialMergeSize ** 2;
  return [
    ...linearParameters("visual.merger.mlp.0", merged, merged, true),
    ...linearParameters("visual.merger.mlp.2", sizes.outHiddenSize, merged, true),
  ];
};

/** Merges the normalised rows [P, D] of each unit and projects them to the language model's width: [U, out]. */
export const mergeUnits = (normed: Value, sizes: TowerSizes, weights: Weights, prefix: string): Value => {
  const merged = sizes.width * sizes.spatialMergeSize ** 2;
  const units = reshape(normed, [(normed.shape[0]! * sizes.width) / merged, merged]);
  const inner = gelu(linearModule(units, `${prefix}mlp.0`, weights, true));
  return linearModule(inner, `${prefix}mlp.2`, weights, true);
};
