import { printFrames } from "../../../src/dataset/clip-print.ts";

/** Pictures of a clip before one background in which a square goes from `left` on to the right. */
export const movingSquare = (
  left: number,
  {
    scale = 1,
    noise = 0,
    background = 0,
  }: { readonly scale?: number; readonly noise?: number; readonly background?: number } = {},
): { frames: Uint8Array[]; width: number; height: number } => {
  const [width, height] = [96 * scale, 64 * scale];
  const frames = Array.from({ length: printFrames }, (_, frame) => {
    const rgb = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [u, v] = [x / scale, y / scale];
        const inside = u >= left + frame * 8 && u < left + frame * 8 + 16 && v >= 20 && v < 44;
        const wave = 110 + 70 * Math.sin(u / 9 + background) + 30 * Math.cos(v / 7 + background);
        const grain = noise === 0 ? 0 : ((x * 31 + y * 17 + frame * 7) % (2 * noise + 1)) - noise;
        rgb.fill(
          Math.max(0, Math.min(255, (inside ? 235 : wave) + grain)),
          (y * width + x) * 3,
          (y * width + x + 1) * 3,
        );
      }
    return rgb;
  });
  return { frames, width, height };
};
