/**
 * The vision tower's parts as stages.
 *
 * Legend: P patches, U visual tokens, D width.
 */
import type { Qwen25VLConfig } from "../../../model/qwen2_5_vl/config.ts";
import {
  embedPatches,
  mergeTower,
  type SegmentGroup,
  towerBlock,
  towerInputs,
  towerSegments,
  type VisionShape,
} from "../../../model/qwen2_5_vl/vision-tower.ts";
import type { FeedArray } from "../../contract.ts";
import type { Stage } from "./stage.ts";

const segments = (groups: readonly SegmentGroup[]): number[][] =>
  groups.map(({ length, starts }) => [length, starts.length]);

/** Stages from pixels (a feed) to visual tokens [U, out], in order; each takes what the one before it gives. */
export const visionStages = (
  shape: VisionShape,
  config: Qwen25VLConfig,
  feeds: Readonly<Record<string, FeedArray>>,
): readonly Stage[] => {
  const { vision } = config;
  const rows = [shape.patches, vision.hiddenSize];
  const patches: Stage = {
    key: `patches ${shape.patches}`,
    inputs: [],
    build: (_, weights) => [embedPatches(shape, towerInputs(shape, vision), vision, weights)],
    prefix: { graph: "visual.patch_embed.", model: "visual.patch_embed." },
    feeds,
  };
  const blocks = Array.from({ length: vision.depth }, (_, block): Stage => {
    const full = vision.fullAttentionBlocks.includes(block);
    return {
      key: `vision ${full} ${JSON.stringify(segments(full ? shape.steps : shape.windows))}`,
      inputs: [rows],
      build: ([x], weights) => {
        const inputs = towerInputs(shape, vision);
        // All blocks of a kind share one graph, in which they are called block 0.
        return [towerBlock(x!, 0, towerSegments(full, shape, inputs), inputs.tables, vision, weights)];
      },
      prefix: { graph: "visual.blocks.0.", model: `visual.blocks.${block}.` },
      feeds,
    };
  });
  const merger: Stage = {
    key: `merger ${shape.patches}`,
    inputs: [rows],
    build: ([x], weights) => [mergeTower(x!, towerInputs(shape, vision), vision, weights)],
    prefix: { graph: "visual.merger.", model: "visual.merger." },
    feeds,
  };
  return [patches, ...blocks, merger];
};
