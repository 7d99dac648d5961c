import type { Rotation } from "./types.ts";

/** How to make a stored picture upright. */
export interface Orientation {
  /** Clockwise degrees. */
  readonly rotation: Rotation;
  /** FFmpeg filters that do it, in order; empty for an upright picture. */
  readonly filters: readonly string[];
  /** True when width and height change places. */
  readonly swapsSides: boolean;
  /** True when the container asks for an angle that is no multiple of 90 degrees. */
  readonly rounded: boolean;
}

const upright: Orientation = { rotation: 0, filters: [], swapsSides: false, rounded: false };

/**
 * Reads a display matrix (nine 16.16 and 2.30 fixed-point numbers, row by row). Mirrored matrices keep their mirror.
 *
 * @source the automatic rotation of FFmpeg's own program (`get_rotation`), so that both decoders turn alike
 */
export const orientationOf = (matrix: readonly number[] | undefined): Orientation => {
  if (matrix === undefined || matrix.length < 9) return upright;
  const [a, b, , c, d] = matrix as [number, number, number, number, number];
  const scaleX = Math.hypot(a, c);
  const scaleY = Math.hypot(b, d);
  if (scaleX === 0 || scaleY === 0) return upright;
  const degrees = (Math.atan2(b / scaleY, a / scaleX) * 180) / Math.PI;
  const clockwise = ((degrees % 360) + 360) % 360;
  const rotation = ((Math.round(clockwise / 90) * 90) % 360) as Rotation;
  const rounded = Math.abs(clockwise - Math.round(clockwise / 90) * 90) > 1;
  if (rotation === 90)
    return {
      rotation,
      rounded,
      swapsSides: true,
      filters: [c > 0 ? "transpose=cclock_flip" : "transpose=clock"],
    };
  if (rotation === 270)
    return {
      rotation,
      rounded,
      swapsSides: true,
      filters: [c < 0 ? "transpose=clock_flip" : "transpose=cclock"],
    };
  const filters: string[] = [];
  if (rotation === 180 && a < 0) filters.push("hflip");
  if (d < 0) filters.push("vflip");
  return { rotation, rounded, swapsSides: false, filters };
};
