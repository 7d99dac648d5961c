import type { Planes } from "./planes.ts";

/** How far the picture moved: pixel (x, y) of the one frame shows what (x + dx, y + dy) of the other shows. */
export interface Shift {
  readonly dx: number;
  readonly dy: number;
}

/**
 * Mean absolute luma difference, less `offset`, over the overlap of `a` and `b` moved by (dx, dy), reading every
 * `step`-th pixel. One that comes out at `enough` or above may be given as infinite: the sum only grows, and the rest of the
 * pixels need not be read.
 */
export const shiftedDifference = (
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  dx: number,
  dy: number,
  step: number,
  offset: number,
  enough: number = Number.POSITIVE_INFINITY,
): number => {
  const top = Math.max(0, -dy);
  const bottom = Math.min(height, height - dy);
  const left = Math.max(0, -dx);
  const right = Math.min(width, width - dx);
  const count = Math.max(0, Math.ceil((bottom - top) / step)) * Math.max(0, Math.ceil((right - left) / step));
  if (count === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let y = top; y < bottom; y += step) {
    const rowA = y * width;
    const rowB = (y + dy) * width + dx;
    for (let x = left; x < right; x += step) {
      const difference = a[rowA + x]! - b[rowB + x]! - offset;
      sum += difference < 0 ? -difference : difference;
    }
    if (sum / count >= enough) return Number.POSITIVE_INFINITY;
  }
  return sum / count;
};

/** Levels that each pixel of shift has to win, so that flat pictures stay where they are. */
const costPerPixel = 0.02;

/**
 * The whole-pixel shift between two pictures of one size that leaves the smallest mean luma difference: a search over
 * every second shift up to `reachShare` of each side, reading every second pixel, then one over the eight neighbours.
 * The mean brightness of both is made equal first.
 * Camera pans and shake come out as the shift; a moving object does not, as long as it covers the smaller part.
 *
 * @source block matching with mean absolute difference over the whole picture; the tie-break towards rest is ours.
 */
export const globalShift = (a: Planes, b: Planes, reachShare: number): Shift => {
  const { width, height } = a;
  const reachX = Math.floor((width * reachShare) / 2) * 2;
  const reachY = Math.floor((height * reachShare) / 2) * 2;
  const offset = mean(a.luma) - mean(b.luma);
  let best = Number.POSITIVE_INFINITY;
  let bestX = 0;
  let bestY = 0;
  const visit = (dx: number, dy: number, step: number): void => {
    // Without its own cost a shift that differs as much as the best one costs can win no more.
    const cost =
      shiftedDifference(a.luma, b.luma, width, height, dx, dy, step, offset, best) +
      costPerPixel * (Math.abs(dx) + Math.abs(dy));
    if (cost < best) {
      best = cost;
      bestX = dx;
      bestY = dy;
    }
  };
  visit(0, 0, 3);
  for (let dy = -reachY; dy <= reachY; dy += 2)
    for (let dx = -reachX; dx <= reachX; dx += 2) visit(dx, dy, 3);
  const centreX = bestX;
  const centreY = bestY;
  best = Number.POSITIVE_INFINITY;
  visit(centreX, centreY, 2);
  for (let dy = centreY - 1; dy <= centreY + 1; dy++)
    for (let dx = centreX - 1; dx <= centreX + 1; dx++)
      if (Math.abs(dx) <= reachX && Math.abs(dy) <= reachY) visit(dx, dy, 2);
  return { dx: bestX, dy: bestY };
};

const mean = (values: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};
