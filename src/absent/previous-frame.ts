import type { PositionReplacement } from "./builders.ts";

/** What happens to a decisive first frame: "keep" it (the paper) or show its "successor". */
export type FirstFrameRule = "keep" | "successor";

/**
 * Each of `positions` shows the frame before it; the first frame follows `firstFrame`. `count` is the number of
 * sampled frames.
 *
 * @source VideoPerceiver (arXiv 2511.18823), section on key-information-absent video: v'_i = v_{i-1} for i in K, i > 1.
 */
export const replaceByPrevious = (
  positions: readonly number[],
  count: number,
  firstFrame: FirstFrameRule,
): PositionReplacement[] => {
  const replacements: PositionReplacement[] = [];
  for (const position of positions) {
    if (position > 0) replacements.push({ position, from: position - 1 });
    else if (firstFrame === "successor" && count > 1) replacements.push({ position, from: 1 });
  }
  return replacements;
};
