/** Inputs of a parity fixture's case as batches of the engine. Legend: B rows, T columns of the case's token ids. */

import type { TokenIdsBatch } from "../batch/ids-batch.ts";
import type { ModelConfig } from "../model/config.ts";
import type { CaseInputs, ModelCase } from "../model/fixture.ts";
import { type Positions, positionsOf } from "../model/positions.ts";

/** A case's inputs as a batch of the engine, in the positions of the trained rule. */
export interface PreparedCase {
  readonly inputs: CaseInputs;
  readonly positions: Positions;
  readonly ids: TokenIdsBatch;
}

/** Reads a case's inputs and computes their positions. */
export const prepareCase = async (one: ModelCase, config: ModelConfig): Promise<PreparedCase> => {
  const inputs = await one.inputs();
  const positions = positionsOf(inputs, config);
  const { imageGrids, videoGrids, pixelValues_PX, pixelValuesVideos_PX } = inputs;
  const ids = {
    rows: inputs.rows,
    columns: inputs.columns,
    ids_BT: inputs.inputIds_BT,
    mask_BT: inputs.attentionMask_BT,
    positions_3BT: positions.positions_3BT,
    images: pixelValues_PX && { grids: imageGrids, patches: pixelValues_PX },
    videos: pixelValuesVideos_PX && { grids: videoGrids, patches: pixelValuesVideos_PX },
  };
  return { inputs, positions, ids };
};

/** Every row scored on the token that follows it (the last of a row on token 0, which nobody reads). */
export const everyRow = ({
  rows,
  columns,
  inputIds_BT,
}: CaseInputs): { rows: number[]; targets: number[] } => {
  const all = Array.from({ length: rows * columns }, (_, row) => row);
  return { rows: all, targets: all.map((row) => ((row + 1) % columns === 0 ? 0 : inputIds_BT[row + 1]!)) };
};

/** Rows whose next label counts, and these labels. */
export const labelledRows = (inputs: CaseInputs): { rows: number[]; targets: number[] } => {
  const rows: number[] = [];
  const targets: number[] = [];
  for (let row = 0; row < inputs.rows * inputs.columns; row++) {
    const label = (row + 1) % inputs.columns === 0 ? -100 : (inputs.labels_BT?.[row + 1] ?? -100);
    if (label === -100) continue;
    rows.push(row);
    targets.push(label);
  }
  return { rows, targets };
};

/** Moves the tokens of each row to its left end and the padding behind them. */
export const packLeft = (ids: TokenIdsBatch, pad: number): { ids: TokenIdsBatch; lengths: number[] } => {
  const { rows, columns } = ids;
  const plane = rows * columns;
  const packed = new Int32Array(plane).fill(pad);
  const mask = new Int32Array(plane);
  const positions = new Int32Array(3 * plane);
  const lengths = Array.from({ length: rows }, (_, row) => {
    let length = 0;
    for (let column = 0; column < columns; column++) {
      const from = row * columns + column;
      if (ids.mask_BT[from] === 0) continue;
      const to = row * columns + length++;
      packed[to] = ids.ids_BT[from]!;
      mask[to] = 1;
      for (let axis = 0; axis < 3; axis++)
        positions[axis * plane + to] = ids.positions_3BT[axis * plane + from]!;
    }
    return length;
  });
  return { ids: { ...ids, ids_BT: packed, mask_BT: mask, positions_3BT: positions }, lengths };
};
