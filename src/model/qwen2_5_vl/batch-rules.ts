import type { BatchRules } from "../../batch/batch-rules.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { positionsOf } from "./positions.ts";
import { visionTokenIds } from "./vision-token-ids.ts";

/** What builders of batches need of this family; positions are those of the trained rule. */
export const batchRules = (config: Qwen25VLConfig): BatchRules => ({
  mergeSize: config.vision.spatialMergeSize,
  visualWidth: config.vision.outHiddenSize,
  tokens: { image: config.tokens.image, video: config.tokens.video },
  visualTokenIds: visionTokenIds(config),
  positions: (input) => positionsOf(input, config),
});
