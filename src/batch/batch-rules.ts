import type { Grid } from "../frames/grid.ts";

/** Token ids with the visuals that they hold. B rows of T columns. */
export interface PlacedVisuals {
  readonly rows: number;
  readonly columns: number;
  readonly inputIds_BT: ArrayLike<number>;
  readonly videoGrids: readonly Grid[];
  /** Seconds between temporal steps, one a video. */
  readonly secondsPerGrid: ArrayLike<number>;
}

/** What the builders of batches have to know of a model family. */
export interface BatchRules {
  /** Side of a merge unit in patches: its square of patches becomes one visual token. */
  readonly mergeSize: number;
  /** Numbers of a visual token. */
  readonly visualWidth: number;
  readonly tokens: { readonly image: number; readonly video: number };
  /** Ids that stand for pictures: never to be drawn, since there are no pictures behind them. */
  readonly visualTokenIds: readonly number[];
  /** Three-part positions [3, B, T], and [B] the position (all three parts) of what would follow. */
  readonly positions: (input: PlacedVisuals) => {
    readonly positions_3BT: Int32Array;
    readonly next_B: Int32Array;
  };
}

/** Visual tokens of a temporal step. */
export const visualTokensOfStep = (rows: number, columns: number, { mergeSize }: BatchRules): number =>
  (rows * columns) / mergeSize ** 2;
