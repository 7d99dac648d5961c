import type { Random } from "../core/random.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { Timeline } from "../video/types.ts";

/** What a selector chooses from. */
export interface SelectionRequest {
  readonly timeline: Timeline;
  /** From the first frame to the end of the last one. */
  readonly durationSeconds: number;
  /** Frames at most. */
  readonly budget: number;
  /** How much each frame differs from the one before it, one number >= 0 a frame; there where pixels were looked at. */
  readonly motion?: ArrayLike<number>;
  /** Draws for a selector that may choose differently every time (training); left out: always the same frames. */
  readonly random?: Random;
}

/** Chooses frames: indices of the timeline's frames, ascending, each once, at most the budget, at least one. */
export interface FrameSelector {
  select(request: SelectionRequest): number[];
}

/** A selector's file: `selectors/<name>.ts`. */
export type SelectorDefinition = Plugin<FrameSelector>;

/** Declares a selector. */
export const defineSelector: Define<SelectorDefinition> = definer("frame selector");

/** Every frame selector, by file name. */
export const frameSelectors: Registry<SelectorDefinition> = folderRegistry<SelectorDefinition>(
  "frame selector",
  new URL("./selectors/", import.meta.url),
);

/** Positions as a selector gives them: inside the clip, ascending, each once, the first `budget`, as frame indices. */
export const asSelection = (
  positions: readonly number[],
  { timeline, budget }: SelectionRequest,
): number[] => {
  const inside = positions.map((position) => Math.min(timeline.length - 1, Math.max(0, position)));
  const ordered = [...new Set(inside)].sort((a, b) => a - b).slice(0, budget);
  return (ordered.length === 0 ? [0] : ordered).map((position) => timeline[position]!.index);
};
