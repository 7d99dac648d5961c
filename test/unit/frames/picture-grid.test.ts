import { expect, test } from "vitest";
import { pictureGrid } from "../../../src/frames/picture-grid.ts";

test("tiles stand in reading order; six of them make a near-square picture", () => {
  const columnsOf = (count: number, width: number, height: number): number => {
    const tile = { width, height, pixels: new Uint8Array(width * height * 3) };
    return pictureGrid(Array.from({ length: count }, () => tile)).columns;
  };
  expect([columnsOf(6, 32, 18), columnsOf(6, 10, 20), columnsOf(4, 5, 5), columnsOf(1, 9, 5)]).toEqual([
    2, 3, 2, 1,
  ]);
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
