import type { BatchRules } from "../batch/batch-rules.ts";
import { type ModelConfig, visionTokenIds } from "./config.ts";
import { positionsOf } from "./positions.ts";

/** What builders of batches need of a model; positions are those of the trained rule. */
export const batchRules = (config: ModelConfig): BatchRules => ({
  mergeSize: config.vision.spatialMergeSize,
  visualWidth: config.vision.outHiddenSize,
  tokens: { image: config.tokens.image, video: config.tokens.video },
  visualTokenIds: visionTokenIds(config),
  positions: (input) => positionsOf(input, config),
});
