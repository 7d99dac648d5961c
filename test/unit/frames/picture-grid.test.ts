import { expect, test } from "vitest";
import { gridColumns, pictureGrid } from "../../../src/frames/picture-grid.ts";

test("tiles stand in reading order; six of them make a near-square picture", () => {
  expect([
    gridColumns(6, 320, 180),
    gridColumns(6, 100, 100),
    gridColumns(4, 50, 50),
    gridColumns(1, 9, 5),
  ]).toEqual([2, 2, 2, 1]);
  expect(gridColumns(6, 100, 200)).toBe(3);
  const [width, height] = [3, 2];
  const tiles = [10, 20, 30, 40, 50].map((value) => ({
    width,
    height,
    pixels: new Uint8Array(width * height * 3).fill(value),
  }));
  const grid = pictureGrid(tiles);
  expect([grid.columns * width, grid.rows * height]).toEqual([grid.width, grid.height]);
  const levelAt = (tile: number): number => {
    const [row, column] = [Math.floor(tile / grid.columns), tile % grid.columns];
    return grid.pixels[((row * height + 1) * grid.width + column * width + 2) * 3 + 1]!;
  };
  expect([0, 1, 2, 3, 4].map(levelAt)).toEqual([10, 20, 30, 40, 50]);
  expect(() => pictureGrid([])).toThrow("grid of pictures");
  expect(() => pictureGrid([tiles[0]!, { width: 1, height: 1, pixels: new Uint8Array(3) }])).toThrow(
    "3x2, 1x1",
  );
});
