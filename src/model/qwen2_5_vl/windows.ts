import type { Grid } from "../../frames/grid.ts";
import { type PatchLayout, patchLayout } from "../patch-layout.ts";
import type { VisionConfig } from "./config.ts";

/**
 * The patches of a list of visuals, and the order of their units in windows. Full attention has the same segments
 * (temporal steps) in either order.
 *
 * Legend: U units, W windows.
 */
export interface WindowLayout extends PatchLayout {
  /** [U] position in window order -> unit in processor order. */
  readonly windowIndex_U: Int32Array;
  /** [U] unit in processor order -> its position in window order; undoes `windowIndex_U`. */
  readonly windowInverse_U: Int32Array;
  /** [W + 1] first patch of every window, in window order, and the end. No window is empty. */
  readonly windowOffsets_W1: Int32Array;
}

/**
 * Lays out the patches of all visuals of a batch, one after the other.
 *
 * @source transformers, `Qwen2_5_VisionTransformerPretrainedModel.get_window_index`
 * @throws {ShapeError} for grids that are not made of whole merge units
 */
export const windowLayout = (
  grids: readonly Grid[],
  vision: Pick<VisionConfig, "patchSize" | "spatialMergeSize" | "windowSize">,
): WindowLayout => {
  const merge = vision.spatialMergeSize;
  const side = Math.floor(Math.floor(vision.windowSize / merge) / vision.patchSize);
  const layout = patchLayout(grids, merge);
  const windowIndex_U = new Int32Array(layout.units);
  const windowInverse_U = new Int32Array(layout.units);
  const windowOffsets = [0];
  let placed = 0;
  for (const [steps, patchRows, patchColumns] of grids) {
    const rows = patchRows / merge;
    const columns = patchColumns / merge;
    for (let step = 0; step < steps; step++) {
      const first = placed;
      for (let top = 0; top < rows; top += side)
        for (let left = 0; left < columns; left += side) {
          for (let row = top; row < Math.min(top + side, rows); row++)
            for (let column = left; column < Math.min(left + side, columns); column++) {
              const unit = first + row * columns + column;
              windowIndex_U[placed] = unit;
              windowInverse_U[unit] = placed++;
            }
          windowOffsets.push(placed * merge * merge);
        }
    }
  }
  return { ...layout, windowIndex_U, windowInverse_U, windowOffsets_W1: Int32Array.from(windowOffsets) };
};
