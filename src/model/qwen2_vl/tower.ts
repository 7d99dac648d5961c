/**
 * The vision tower: patches to visual tokens. Every block attends within a temporal step.
 *
 * Legend: P patches, D width.
 */
import type { Grid } from "../../frames/grid.ts";
import { sumKeep } from "../../graph/ops/broadcast.ts";
import { add, mul, scale, sigmoid, sub } from "../../graph/ops/elementwise.ts";
import { rmsNorm } from "../../graph/ops/normalize.ts";
import type { Value } from "../../graph/value.ts";
import { linearParameters, type Parameter } from "../../weights/parameter.ts";
import type { TowerPart, VisionPlan, VisionShape, VisionTower } from "../family.ts";
import { patchLayout } from "../patch-layout.ts";
import {
  groupedOrder,
  groupedOrderInputs,
  groupSegments,
  groupSizes,
  type SegmentGroup,
} from "../row-groups.ts";
import {
  attentionParameters,
  embedPatches,
  mergerParameters,
  mergeUnits,
  patchKernel,
  rotaryInputs,
  towerAttention,
} from "../tower-pieces.ts";
import { patchRotary } from "../vision-rotary.ts";
import { linearModule, type Weights } from "../weights.ts";
import type { Qwen2VLConfig, VisionConfig } from "./config.ts";

interface StepShape extends VisionShape {
  readonly steps: readonly SegmentGroup[];
}

const normParameters = (name: string, size: number): Parameter[] => [
  { name: `${name}.weight`, shape: [size] },
  { name: `${name}.bias`, shape: [size] },
];

const parameters = ({ vision }: Qwen2VLConfig): Parameter[] => {
  const { width } = vision;
  const inner = Math.trunc(width * vision.mlpRatio);
  return [
    patchKernel(vision),
    ...Array.from({ length: vision.depth }, (_, index) => {
      const block = `visual.blocks.${index}`;
      return [
        ...normParameters(`${block}.norm1`, width),
        ...normParameters(`${block}.norm2`, width),
        ...attentionParameters(`${block}.attn`, vision),
        ...linearParameters(`${block}.mlp.fc1`, inner, width, true),
        ...linearParameters(`${block}.mlp.fc2`, width, inner, true),
      ];
    }).flat(),
    ...normParameters("visual.merger.ln_q", width),
    ...mergerParameters(vision),
  ];
};

const plan = (grids: readonly Grid[], { vision }: Qwen2VLConfig): VisionPlan => {
  const { patches, units, places_P2, stepOffsets_S1 } = patchLayout(grids, vision.spatialMergeSize);
  const steps = groupSegments(stepOffsets_S1);
  const [rows, inverse] = groupedOrder(steps, patches);
  const { cos, sin } = patchRotary(places_P2, vision.headDim, vision.ropeTheta);
  const shape: StepShape = { patches, units, steps };
  return {
    shape,
    feeds: {
      "vision.cos": cos,
      "vision.sin": sin,
      "vision.stepRows": rows,
      "vision.stepRowsInverse": inverse,
    },
  };
};

/** (x - mean) / sqrt(variance + epsilon) * weight + bias of rows [P, D]. @source Ba et al. 2016 */
const layerNorm = (x: Value, module: string, { normEps }: VisionConfig, weights: Weights): Value => {
  const centred = sub(x, scale(sumKeep(x, [1]), 1 / x.shape[1]!));
  return add(rmsNorm(centred, weights.get(`${module}.weight`), normEps), weights.get(`${module}.bias`));
};

/** x sigmoid(1.702 x). @source Hendrycks and Gimpel 2016; transformers, `QuickGELUActivation` */
const quickGelu = (x: Value): Value => mul(x, sigmoid(scale(x, 1.702)));

const parts = (of: VisionShape, { vision }: Qwen2VLConfig): readonly TowerPart[] => {
  const shape = of as StepShape;
  const tables = rotaryInputs(shape.patches, vision);
  const rows = [shape.patches, vision.width] as const;
  const order = groupedOrderInputs("vision.step", shape.steps, shape.patches);
  const segments = { groups: shape.steps, order };
  return [
    {
      key: `patches ${shape.patches}`,
      prefix: "visual.patch_embed.",
      rows: undefined,
      build: (_, weights, prefix) => embedPatches(shape.patches, vision, weights, prefix),
    },
    ...Array.from(
      { length: vision.depth },
      (_, block): TowerPart => ({
        key: `vision ${JSON.stringify(groupSizes(shape.steps))}`,
        prefix: `visual.blocks.${block}.`,
        rows,
        build: (x, weights, prefix) => {
          const normed = layerNorm(x!, `${prefix}norm1`, vision, weights);
          const attention = towerAttention(normed, segments, tables, vision, weights, `${prefix}attn`);
          const attended = add(x!, attention);
          const inner = layerNorm(attended, `${prefix}norm2`, vision, weights);
          const hidden = quickGelu(linearModule(inner, `${prefix}mlp.fc1`, weights, true));
          return add(attended, linearModule(hidden, `${prefix}mlp.fc2`, weights, true));
        },
      }),
    ),
    {
      key: `merger ${shape.patches}`,
      prefix: "visual.merger.",
      rows,
      build: (x, weights, prefix) =>
        mergeUnits(layerNorm(x!, `${prefix}ln_q`, vision, weights), vision, weights, prefix),
    },
  ];
};

/** @source Qwen2-VL, arXiv 2409.12191; transformers, `Qwen2VisionTransformerPretrainedModel` */
export const qwen2Tower: VisionTower<Qwen2VLConfig> = { parameters, plan, parts };
