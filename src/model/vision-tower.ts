import type { Grid } from "../frames/grid.ts";
import type { Value } from "../graph/value.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import type { VisionPlan, VisionShape } from "./family.ts";
import type { Weights } from "./weights.ts";

/** Shape and feeds for visuals of these grids, one behind the other. */
export const planVision = (grids: readonly Grid[], config: ModelConfig): VisionPlan =>
  familyOf(config).vision.plan(grids, config);

/**
 * Visual tokens of all visuals of a batch, in processor order: [U, out]. Declares `vision.pixels` [P, channels *
 * temporal * patch^2] and the feeds of {@link planVision}.
 */
export const visionTower = (shape: VisionShape, config: ModelConfig, weights: Weights): Value => {
  const [first, ...others] = familyOf(config).vision.parts(shape, config);
  return others.reduce(
    (x, part) => part.build(x, weights, part.prefix),
    first!.build(undefined, weights, first!.prefix),
  );
};
