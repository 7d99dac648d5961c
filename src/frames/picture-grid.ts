import { ShapeError } from "../core/errors.ts";

/** Pictures of one size, rgb24 [height, width, 3]. */
export interface GridTile {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** One picture of many, and how they stand in it. */
export interface PictureGrid extends GridTile {
  readonly columns: number;
  readonly rows: number;
}

/** Columns and rows of a grid of `count` tiles of one size. */
export const gridShape = (
  count: number,
  width: number,
  height: number,
): Pick<PictureGrid, "columns" | "rows"> => {
  const columns = gridColumns(count, width, height);
  return { columns, rows: Math.ceil(count / columns) };
};

/** Columns that make a grid of `count` tiles as square as can be, without an empty row; of equal ones the fuller grid. */
const gridColumns = (count: number, width: number, height: number): number => {
  let [best, least] = [1, Number.POSITIVE_INFINITY];
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const empty = columns * rows - count;
    const worth = Math.abs(Math.log((columns * width) / (rows * height))) + empty / count;
    if (worth < least - 1e-9) [best, least] = [columns, worth];
  }
  return best;
};

/**
 * Pictures as one, in reading order: left to right, then top to bottom; places without one are black.
 *
 * @throws {ShapeError} without a picture, or for pictures of several sizes
 * @source IG-VLM (arXiv 2403.18406): six frames as one near-square picture
 */
export const pictureGrid = (tiles: readonly GridTile[]): PictureGrid => {
  const [first] = tiles;
  const isSame = tiles.every(({ width, height }) => width === first!.width && height === first!.height);
  if (first === undefined || !isSame)
    throw new ShapeError("grid of pictures", {
      expected: "pictures of one size",
      got: tiles.map(({ width, height }) => `${width}x${height}`).join(", ") || "none",
    });
  const { columns, rows } = gridShape(tiles.length, first.width, first.height);
  const [width, height] = [columns * first.width, rows * first.height];
  const pixels = new Uint8Array(width * height * 3);
  const line = first.width * 3;
  tiles.forEach((tile, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    for (let y = 0; y < first.height; y++)
      pixels.set(
        tile.pixels.subarray(y * line, (y + 1) * line),
        ((row * first.height + y) * columns + column) * line,
      );
  });
  return { pixels, width, height, columns, rows };
};
