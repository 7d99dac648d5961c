import { seededRandom } from "../core/random.ts";
import type { ClipPlan, GroundPlan } from "./plan.ts";

/** Smooth random values in [-1, 1] on a periodic grid, bilinear between its points. */
const smoothNoise = (seed: number, size: number, cell: number): Float32Array => {
  const random = seededRandom("ground", seed, cell);
  const points = Math.max(2, Math.round(size / cell));
  const lattice = Float32Array.from({ length: points * points }, () => 2 * random.next() - 1);
  const result = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const v = (y * points) / size;
    const y0 = Math.floor(v);
    const fy = v - y0;
    const row0 = (y0 % points) * points;
    const row1 = ((y0 + 1) % points) * points;
    for (let x = 0; x < size; x++) {
      const u = (x * points) / size;
      const x0 = Math.floor(u);
      const fx = u - x0;
      const c0 = x0 % points;
      const c1 = (x0 + 1) % points;
      const top = lattice[row0 + c0]! * (1 - fx) + lattice[row0 + c1]! * fx;
      const bottom = lattice[row1 + c0]! * (1 - fx) + lattice[row1 + c1]! * fx;
      result[y * size + x] = top * (1 - fy) + bottom * fy;
    }
  }
  return result;
};

/** Pattern value in [-1, 1] at a pixel of the canvas. */
const patternAt = (ground: GroundPlan, x: number, y: number): number => {
  const period = ground.period;
  const along = [x, y, x + y, x - y][ground.direction]!;
  switch (ground.texture) {
    case "striped":
      return Math.floor(along / (period * 0.5)) % 2 === 0 ? 0.9 : -0.9;
    case "checked":
      return (Math.floor(x / period) + Math.floor(y / period)) % 2 === 0 ? 0.8 : -0.8;
    case "dotted": {
      const dx = (x % period) - period / 2;
      const dy = (y % period) - period / 2;
      return dx * dx + dy * dy < period * period * 0.07 ? 1 : -0.4;
    }
    case "gridded":
      return x % period < 1.5 || y % period < 1.5 ? 1 : -0.4;
    default:
      return 0;
  }
};

/** Side of the square canvas that a clip's camera can look at: a power of two with room for every pan and zoom. */
export const canvasSize = (width: number, height: number): number => {
  let size = 64;
  while (size < 1.9 * Math.max(width, height)) size *= 2;
  return size;
};

/**
 * The ground as packed pixels (0x00BBGGRR), [size, size], centred on the picture's centre.
 */
export const paintGround = (plan: ClipPlan): Uint32Array => {
  const ground = plan.ground;
  const size = canvasSize(plan.width, plan.height);
  const fine = smoothNoise(ground.seed, size, 4);
  const coarse = smoothNoise(ground.seed, size, 14);
  const grain = ground.texture === "plain" ? 0.35 : ground.texture === "cloudy" ? 0.15 : 0.25;
  const waves = ground.texture === "plain" ? 0.15 : ground.texture === "cloudy" ? 1.6 : 0.2;
  const pixels = new Uint32Array(size * size);
  const [red, green, blue] = ground.base;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const at = y * size + x;
      const value = Math.round(
        ground.contrast * (patternAt(ground, x + size, y + size) + grain * fine[at]! + waves * coarse[at]!),
      );
      const r = Math.min(170, Math.max(0, red + value));
      const g = Math.min(170, Math.max(0, green + value));
      const b = Math.min(170, Math.max(0, blue + value));
      pixels[at] = r | (g << 8) | (b << 16);
    }
  return pixels;
};
