import { ShapeError } from "../core/errors.ts";

/** Temporal steps, rows and columns of a visual in patches (`video_grid_thw`, `image_grid_thw`). */
export type Grid = readonly [steps: number, rows: number, columns: number];

/** Patches of a grid. @throws {ShapeError} when not positive integers or not made of whole merge units */
export const patchesOf = (grid: Grid, mergeSize: number): number => {
  const [steps, rows, columns] = grid;
  const whole = grid.length === 3 && grid.every((side) => Number.isSafeInteger(side) && side > 0);
  if (!whole || rows % mergeSize !== 0 || columns % mergeSize !== 0)
    throw new ShapeError("grid of a visual", {
      expected: `[steps, rows, columns], rows and columns multiples of ${mergeSize}`,
      got: JSON.stringify(grid),
    });
  return steps * rows * columns;
};

/** Visual tokens of a grid. @throws {ShapeError} as {@link patchesOf} */
export const visualTokensOf = (grid: Grid, mergeSize: number): number =>
  patchesOf(grid, mergeSize) / (mergeSize * mergeSize);
