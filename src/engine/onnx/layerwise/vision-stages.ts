import type { ModelConfig } from "../../../model/config.ts";
import { familyOf } from "../../../model/families.ts";
import type { VisionShape } from "../../../model/family.ts";
import type { FeedArray } from "../../contract.ts";
import type { Stage } from "./stage.ts";

/** Stages from pixels (a feed) to visual tokens [U, out], in order; each takes what the one before it gives. */
export const visionStages = (
  shape: VisionShape,
  config: ModelConfig,
  feeds: Readonly<Record<string, FeedArray>>,
): readonly Stage[] => {
  // Parts with equal keys share one graph, in which they are called as the first of them.
  const shared = new Map<string, string>();
  return familyOf(config)
    .vision.parts(shape, config)
    .map(({ key, prefix, rows, build }) => {
      if (!shared.has(key)) shared.set(key, prefix);
      const graph = shared.get(key)!;
      return {
        key,
        inputs: rows === undefined ? [] : [rows],
        build: ([x], weights) => [build(x, weights, graph)],
        prefix: { graph, model: prefix },
        feeds,
      };
    });
};
