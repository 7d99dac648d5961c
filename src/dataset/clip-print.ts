/** Frames of a clip that its print is made of. */
export const printFrames = 6;
const [columns, rows] = [13, 9];
const cells = columns * rows;
const edgesOfFrame = (columns - 1) * rows;

/** Mean brightness of the cells of a coarse grid, row by row; cells hold whole pixels. */
const brightness = (rgb: Uint8Array, width: number, height: number): Float64Array => {
  const grid = new Float64Array(cells);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const left = Math.floor((column * width) / columns);
      const right = Math.max(left + 1, Math.floor(((column + 1) * width) / columns));
      const top = Math.floor((row * height) / rows);
      const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / rows));
      let sum = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) {
          const at = (y * width + x) * 3;
          sum += 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
        }
      grid[row * columns + column] = sum / ((bottom - top) * (right - left));
    }
  return grid;
};

/** Differences of brightness (0 to 255) below this are noise of an encoding. */
const noise = 5;

/** Bits, written one after the other. */
class Bits {
  readonly bytes: Uint8Array;
  #at = 0;
  constructor(count: number) {
    this.bytes = new Uint8Array(Math.ceil(count / 8));
  }
  add(bit: boolean): void {
    if (bit) this.bytes[this.#at >> 3]! |= 1 << (this.#at & 7);
    this.#at++;
  }
}

/**
 * The perceptual print of a clip, `look.change` in hexadecimal, of {@link printFrames} frames at even fractions of its
 * length. `look`: whether each cell of a coarse grid is brighter than its left neighbour. `change`: which cells became
 * brighter, and which darker, from frame to frame; it tells two events before one background apart. Undefined for a clip
 * whose frames show nothing but flat areas: such prints are all alike.
 *
 * @param frames rgb24 pictures [height, width, 3] of equal size
 */
export const clipPrint = (
  frames: readonly Uint8Array[],
  width: number,
  height: number,
): string | undefined => {
  const look = new Bits(frames.length * edgesOfFrame);
  const change = new Bits((frames.length - 1) * cells * 2);
  let edges = 0;
  let before: Float64Array | undefined;
  for (const rgb of frames) {
    const grid = brightness(rgb, width, height);
    for (let at = 0; at < cells; at++) {
      if (at % columns > 0) {
        const step = grid[at]! - grid[at - 1]!;
        if (Math.abs(step) > noise) edges++;
        look.add(step > 0);
      }
      if (before === undefined) continue;
      change.add(grid[at]! - before[at]! > noise);
      change.add(before[at]! - grid[at]! > noise);
    }
    before = grid;
  }
  if (edges < frames.length * 8) return undefined;
  return [look, change].map(({ bytes }) => Buffer.from(bytes).toString("hex")).join(".");
};

const bitsSet = Uint8Array.from({ length: 256 }, (_, byte) =>
  [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, bit) => sum + ((byte >> bit) & 1), 0),
);

/** How far two prints are apart. */
export interface PrintDistance {
  /** Share of the brightness steps that differ, 0 to 1. */
  readonly look: number;
  /** Changes that only one of the clips has, as a share of those that either has, 0 to 1; 0 when neither changes. */
  readonly change: number;
}

/** Compares two prints; prints of other forms are as far apart as can be. */
export const printDistance = (one: string, other: string): PrintDistance => {
  const [a, b] = [one, other].map((print) => print.split(".").map((part) => Buffer.from(part, "hex")));
  if (one.length !== other.length || a!.length !== 2 || b!.length !== 2) return { look: 1, change: 1 };
  const count = (part: 0 | 1, join: (x: number, y: number) => number): number => {
    let sum = 0;
    for (let at = 0; at < a![part]!.length; at++) sum += bitsSet[join(a![part]![at]!, b![part]![at]!)]!;
    return sum;
  };
  const either = count(1, (x, y) => x | y);
  return {
    look: count(0, (x, y) => x ^ y) / (printFrames * edgesOfFrame),
    change: either === 0 ? 0 : count(1, (x, y) => x ^ y) / either,
  };
};
