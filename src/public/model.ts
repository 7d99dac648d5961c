/**
 * `videoperceiver/model`: what a model family and a loss are made of. They are declared with `defineModelFamily` and with
 * `defineLoss` of `videoperceiver/plugins`.
 */
export type { Grid } from "../frames/grid.ts";
export { reshape, sumKeep } from "../graph/ops/broadcast.ts";
export {
  add,
  addScalar,
  gelu,
  mul,
  negate,
  scale,
  sigmoid,
  silu,
  sub,
  swiglu,
} from "../graph/ops/elementwise.ts";
export { input } from "../graph/ops/inputs.ts";
export { concat, slice, split, transpose } from "../graph/ops/layout.ts";
export { linear, matmul } from "../graph/ops/matmul.ts";
export { rmsNorm, softmax, unitRows } from "../graph/ops/normalize.ts";
export { logSumExp, mean, rowDot, sum } from "../graph/ops/reduce.ts";
export { rotary } from "../graph/ops/rotary.ts";
export { gatherRows, permuteRows } from "../graph/ops/rows.ts";
export type { Value } from "../graph/value.ts";
export { type AttentionRows, attend, type HeadSizes } from "../model/attention.ts";
export type { ModelConfig, TextConfig, TokenIds, VisionSizes } from "../model/config.ts";
export { type Fields, fieldsOf } from "../model/config-fields.ts";
export { modelFamilies } from "../model/families.ts";
export {
  defineModelFamily,
  type LanguageBlock,
  type ModelFamily,
  type ModelFamilyPlugin,
  type TowerPart,
  type VisionPlan,
  type VisionShape,
  type VisionTower,
} from "../model/family.ts";
export { patchLayout } from "../model/patch-layout.ts";
export type { PositionRule } from "../model/position-rule.ts";
export type { ProcessorRules } from "../model/processor-rules.ts";
export { readQwenConfig, writeQwenConfig } from "../model/qwen-config.ts";
export { qwenProcessorRules } from "../model/qwen-processor-rules.ts";
export { qwenTensorNames } from "../model/qwen-tensor-names.ts";
export { qwen2Block } from "../model/qwen2-block.ts";
export { attendSegments, groupedOrder, groupedOrderInputs, groupSegments } from "../model/row-groups.ts";
export {
  embedPatches,
  mergeUnits,
  patchKernel,
  type TowerSizes,
  towerAttention,
} from "../model/tower-pieces.ts";
export { patchRotary } from "../model/vision-rotary.ts";
export { linearModule, linearPieces, type Weights } from "../model/weights.ts";
export { linearParameters, type Parameter, scaleParameter } from "../weights/parameter.ts";
export type { TensorNames } from "../weights/tensor-names.ts";
