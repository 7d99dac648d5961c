import { type Grid, patchesOf } from "../../frames/grid.ts";
import type { VisionConfig } from "./config.ts";

/**
 * Where the patches and merge units of a list of visuals lie. A unit is `spatialMergeSize` x `spatialMergeSize`
 * neighbouring patches, which become one visual token; patches of a unit follow each other.
 *
 * Legend: P patches, U = P / merge^2 units, W windows, S temporal steps over all visuals.
 */
export interface VisionLayout {
  readonly patches: number;
  readonly units: number;
  /** [U] position in window order -> unit in processor order. */
  readonly windowIndex_U: Int32Array;
  /** [U] unit in processor order -> its position in window order; undoes `windowIndex_U`. */
  readonly windowInverse_U: Int32Array;
  /** [W + 1] first patch of every window, in window order, and the end. No window is empty. */
  readonly windowOffsets_W1: Int32Array;
  /** [S + 1] first patch of every temporal step and the end; the segments of full attention, in either order. */
  readonly stepOffsets_S1: Int32Array;
  /** [P, 2] row and column of every patch in processor order. */
  readonly rotary_P2: Int32Array;
}

/**
 * Lays out the patches of all visuals of a batch, one after the other.
 *
 * @source transformers, `Qwen2_5_VisionTransformerPretrainedModel.get_window_index` and `rot_pos_emb`
 * @throws {ShapeError} for grids that are not made of whole merge units
 */
export const visionLayout = (
  grids: readonly Grid[],
  vision: Pick<VisionConfig, "patchSize" | "spatialMergeSize" | "windowSize">,
): VisionLayout => {
  const merge = vision.spatialMergeSize;
  const unitSize = merge * merge;
  const side = Math.floor(Math.floor(vision.windowSize / merge) / vision.patchSize);
  const patches = grids.reduce((sum, grid) => sum + patchesOf(grid, merge), 0);
  const units = patches / unitSize;
  const windowIndex_U = new Int32Array(units);
  const windowInverse_U = new Int32Array(units);
  const rotary_P2 = new Int32Array(patches * 2);
  const windowOffsets = [0];
  const stepOffsets = [0];
  let placed = 0;
  let rotaryAt = 0;
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
          windowOffsets.push(placed * unitSize);
        }
      stepOffsets.push(placed * unitSize);
      for (let unit = 0; unit < rows * columns; unit++)
        for (let inside = 0; inside < unitSize; inside++) {
          rotary_P2[rotaryAt++] = Math.floor(unit / columns) * merge + Math.floor(inside / merge);
          rotary_P2[rotaryAt++] = (unit % columns) * merge + (inside % merge);
        }
    }
  }
  return {
    patches,
    units,
    windowIndex_U,
    windowInverse_U,
    windowOffsets_W1: Int32Array.from(windowOffsets),
    stepOffsets_S1: Int32Array.from(stepOffsets),
    rotary_P2,
  };
};
