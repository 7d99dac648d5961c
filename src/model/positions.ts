import { ShapeError } from "../core/errors.ts";
import { type Grid, visualTokensOf } from "../frames/grid.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families.ts";
import type { PositionRule } from "./position-rule.ts";

/** Token ids with the visuals they hold. B rows of T columns; visuals in the order in which the rows name them. */
export interface PositionInput {
  readonly rows: number;
  readonly columns: number;
  readonly inputIds_BT: ArrayLike<number>;
  /** 1 for a token, 0 for padding; no mask: no padding. */
  readonly attentionMask_BT?: ArrayLike<number> | undefined;
  readonly imageGrids?: readonly Grid[] | undefined;
  readonly videoGrids?: readonly Grid[] | undefined;
  /** Seconds between temporal steps, one a video; absent: 1. */
  readonly secondsPerGrid?: ArrayLike<number> | undefined;
  /** True times of a video's temporal steps from its first, where they are not equally far apart; one entry a video. */
  readonly stepSeconds?: readonly (readonly number[] | undefined)[] | undefined;
}

/** Positions of the language model. */
export interface Positions {
  /** [3, B, T]: time, height, width; `trained` writes 1 at padding. */
  readonly positions_3BT: Int32Array;
  /** [B] all three parts of the position of the next new token: the largest one used, plus 1. */
  readonly next_B: Int32Array;
}

/** The text after a visual goes on behind its largest position (old rules) or behind its larger side (5.x). */
const countsTime = (rule: PositionRule): boolean => rule === "trained" || rule === "transformers-4.52";

/** The grid of the placeholders that begin at an index of a row's tokens. @throws {ShapeError} when they do not fit */
const gridAt = (
  { inputIds_BT, ...input }: PositionInput,
  kept: readonly number[],
  index: number,
  { kind, number }: { readonly kind: "image" | "video"; readonly number: number },
  mergeSize: number,
): Grid => {
  const id = inputIds_BT[kept[index]!]!;
  const where = `row ${Math.floor(kept[index]! / input.columns)}`;
  const grids = (kind === "video" ? input.videoGrids : input.imageGrids) ?? [];
  const grid = grids[number];
  if (grid === undefined)
    throw new ShapeError(`${kind} placeholder without a grid`, {
      where,
      expected: `${kind} ${number} of ${grids.length}`,
    });
  const length = visualTokensOf(grid, mergeSize);
  let run = 0;
  while (run < length && index + run < kept.length && inputIds_BT[kept[index + run]!] === id) run++;
  if (run !== length)
    throw new ShapeError(`placeholders of ${kind} ${number}`, {
      where,
      expected: `${length} for grid ${JSON.stringify(grid)}`,
      got: `${run}`,
    });
  return grid;
};

/**
 * Seconds of a step as if all before it had been as long: the rules know equal steps only. A millionth more, so that a
 * time that is a whole number of positions is not cut to the one before when the rule multiplies again in float32.
 */
const stepLength = (times: readonly number[] | undefined, step: number, usual: number): number =>
  times === undefined || step === 0 ? usual : (times[step]! * (1 + 1e-6)) / step;

/**
 * Three-part rotary positions (M-RoPE) of a batch.
 *
 * Text moves all three parts by 1. A visual that starts at p gives its tokens (p + time, p + row, p + column), in
 * merge units.
 *
 * @source transformers, `get_rope_index` of the version that the rule names (trained: 4.49)
 * @throws {ShapeError} when placeholders and grids do not fit together, naming the row
 */
export const positionsOf = (
  input: PositionInput,
  config: ModelConfig,
  rule: PositionRule = "trained",
): Positions => {
  const { rows, columns, inputIds_BT, attentionMask_BT: mask } = input;
  const { tokens, vision } = config;
  const family = familyOf(config);
  const plane = rows * columns;
  if (inputIds_BT.length !== plane || (mask !== undefined && mask.length !== plane))
    throw new ShapeError("token ids and mask", {
      expected: `${rows} x ${columns} values`,
      got: `${inputIds_BT.length} ids, ${mask?.length} in the mask`,
    });
  const merge = vision.spatialMergeSize;
  const padding = rule === "trained" || rule === "transformers-4.52" ? 1 : 0;
  const positions_3BT = new Int32Array(3 * plane).fill(padding);
  const next_B = new Int32Array(rows);
  const images = input.imageGrids ?? [];
  const videos = input.videoGrids ?? [];
  let image = 0;
  let video = 0;
  for (let row = 0; row < rows; row++) {
    const kept: number[] = [];
    for (let at = row * columns; at < (row + 1) * columns; at++)
      if (mask === undefined || mask[at] === 1) kept.push(at);
    let position = 0;
    let largest = -1;
    for (let index = 0; index < kept.length; ) {
      const id = inputIds_BT[kept[index]!]!;
      if (id !== tokens.image && id !== tokens.video) {
        const at = kept[index++]!;
        for (let part = 0; part < 3; part++) positions_3BT[part * plane + at] = position;
        largest = Math.max(largest, position++);
        continue;
      }
      const isVideo = id === tokens.video;
      const named = isVideo
        ? ({ kind: "video", number: video++ } as const)
        : ({ kind: "image", number: image++ } as const);
      const [steps, gridRows, gridColumns] = gridAt(input, kept, index, named, merge);
      const height = gridRows / merge;
      const width = gridColumns / merge;
      const seconds = isVideo ? (input.secondsPerGrid?.[named.number] ?? 1) : 0;
      const uneven = isVideo ? input.stepSeconds?.[named.number] : undefined;
      let latest = 0;
      for (let step = 0; step < steps; step++) {
        const time = isVideo ? family.timeOfStep(step, stepLength(uneven, step, seconds), config, rule) : 0;
        latest = Math.max(latest, time);
        for (let inside = 0; inside < height * width; inside++) {
          const at = kept[index++]!;
          positions_3BT[at] = position + time;
          positions_3BT[plane + at] = position + Math.floor(inside / width);
          positions_3BT[2 * plane + at] = position + (inside % width);
        }
      }
      const extent = Math.max(latest + 1, height, width);
      largest = Math.max(largest, position + extent - 1);
      position += countsTime(rule) ? extent : Math.max(height, width);
    }
    next_B[row] = largest + 1;
  }
  if (image !== images.length || video !== videos.length)
    throw new ShapeError("more grids than placeholders", {
      expected: `${image} images, ${video} videos`,
      got: `${images.length} images, ${videos.length} videos`,
    });
  return { positions_3BT, next_B };
};
