import { type Grid, patchesOf } from "../frames/grid.ts";

/**
 * Where the patches of a list of visuals lie in processor order. A unit is `mergeSize` x `mergeSize` neighbouring
 * patches, which become one visual token; patches of a unit follow each other.
 *
 * Legend: P patches, S temporal steps over all visuals.
 */
export interface PatchLayout {
  readonly patches: number;
  readonly units: number;
  /** [P, 2] row and column of every patch. */
  readonly places_P2: Int32Array;
  /** [S + 1] first patch of every temporal step and the end. */
  readonly stepOffsets_S1: Int32Array;
}

/**
 * @source transformers, `rot_pos_emb` of the Qwen families' towers
 * @throws {ShapeError} for grids that are not made of whole merge units
 */
export const patchLayout = (grids: readonly Grid[], mergeSize: number): PatchLayout => {
  const unitSize = mergeSize * mergeSize;
  const patches = grids.reduce((sum, grid) => sum + patchesOf(grid, mergeSize), 0);
  const places_P2 = new Int32Array(patches * 2);
  const stepOffsets = [0];
  let at = 0;
  for (const [steps, rows, columns] of grids) {
    const unitColumns = columns / mergeSize;
    const units = (rows / mergeSize) * unitColumns;
    for (let step = 0; step < steps; step++) {
      for (let unit = 0; unit < units; unit++)
        for (let inside = 0; inside < unitSize; inside++) {
          places_P2[at++] = Math.floor(unit / unitColumns) * mergeSize + Math.floor(inside / mergeSize);
          places_P2[at++] = (unit % unitColumns) * mergeSize + (inside % mergeSize);
        }
      stepOffsets.push(at / 2);
    }
  }
  return { patches, units: patches / unitSize, places_P2, stepOffsets_S1: Int32Array.from(stepOffsets) };
};
