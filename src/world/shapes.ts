import type { Shape } from "./words.ts";

/**
 * Signed distance in pixels from a point to the edge of a shape of radius `r` around the origin, negative inside.
 * All shapes have about the same area; the triangle points to negative y unless upside down.
 */
export const edgeDistance = (shape: Shape, upsideDown: boolean, r: number, x: number, y: number): number => {
  switch (shape) {
    case "square":
      return Math.max(Math.abs(x), Math.abs(y)) - 0.88 * r;
    case "circle":
      return Math.sqrt(x * x + y * y) - r;
    case "triangle": {
      const v = upsideDown ? -y : y;
      return Math.max(v - 0.8 * r, 0.894 * Math.abs(x) - 0.447 * (v + 1.2 * r));
    }
    case "cross": {
      const a = Math.abs(x);
      const b = Math.abs(y);
      return Math.min(Math.max(a - 1.1 * r, b - 0.4 * r), Math.max(a - 0.4 * r, b - 1.1 * r));
    }
    case "diamond":
      return (Math.abs(x) + Math.abs(y) - 1.25 * r) * Math.SQRT1_2;
    case "ring":
      return Math.abs(Math.sqrt(x * x + y * y) - 0.78 * r) - 0.34 * r;
  }
};

/** How far a shape of radius 1 reaches from its centre along an axis. */
export const shapeReach = 1.3;

/**
 * Blends a shape over packed pixels (0x00BBGGRR, [height, width]), edges smoothed over one pixel. Parts outside the
 * picture are cut off.
 */
export const drawShape = (
  pixels: Uint32Array,
  width: number,
  height: number,
  shape: Shape,
  upsideDown: boolean,
  radius: number,
  centerX: number,
  centerY: number,
  red: number,
  green: number,
  blue: number,
): void => {
  const reach = shapeReach * radius + 1;
  const left = Math.max(0, Math.floor(centerX - reach));
  const right = Math.min(width - 1, Math.ceil(centerX + reach));
  const top = Math.max(0, Math.floor(centerY - reach));
  const bottom = Math.min(height - 1, Math.ceil(centerY + reach));
  const packed = red | (green << 8) | (blue << 16);
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const distance = edgeDistance(shape, upsideDown, radius, x + 0.5 - centerX, y + 0.5 - centerY);
      if (distance >= 0.5) continue;
      const at = y * width + x;
      if (distance <= -0.5) {
        pixels[at] = packed;
        continue;
      }
      const cover = 0.5 - distance;
      const under = pixels[at]!;
      const r = under & 255;
      const g = (under >> 8) & 255;
      const b = (under >> 16) & 255;
      pixels[at] =
        Math.round(r + (red - r) * cover) |
        (Math.round(g + (green - g) * cover) << 8) |
        (Math.round(b + (blue - b) * cover) << 16);
    }
};

/** Blends a bar from (x, y) to (x + length, y), `thickness` pixels high, over packed pixels. */
export const drawBar = (
  pixels: Uint32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  length: number,
  thickness: number,
  level: number,
): void => {
  const from = Math.max(0, Math.round(Math.min(x, x + length)));
  const to = Math.min(width, Math.round(Math.max(x, x + length)));
  const top = Math.max(0, Math.round(y - thickness / 2));
  const bottom = Math.min(height, Math.round(y + thickness / 2));
  const packed = level | (level << 8) | (level << 16);
  for (let row = top; row < bottom; row++)
    pixels.fill(packed, row * width + from, row * width + Math.max(from, to));
};
