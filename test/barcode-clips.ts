/** Clips whose every frame shows its own number. */
import { frameIndex, seconds } from "../src/core/units.ts";
import type { RawFrames } from "../src/video/types.ts";

/** Frame i shows i as a barcode of eight grey columns, so that a wrong frame is seen in its pixels. */
const barcode = (count: number, width: number, height: number): Uint8Array => {
  const pixels = new Uint8Array(count * width * height * 3);
  for (let at = 0, i = 0; i < count; i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, at += 3) {
        const bit = (i >> Math.floor((x * 8) / width)) & 1;
        pixels.fill(bit === 1 ? 220 : 30, at, at + 3);
      }
  return pixels;
};

/** The number that a frame shows, up to 255. */
export const readBarcode = (frames: RawFrames, position: number): number => {
  const { width, height, pixels } = frames;
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const x = Math.floor(((bit + 0.5) * width) / 8);
    const at = ((position * height + (height >> 1)) * width + x) * 3;
    if (pixels[at]! > 125) number |= 1 << bit;
  }
  return number;
};

/** A clip of frames at these times. */
export const barcodeClip = (times: readonly number[], width: number, height: number): RawFrames => ({
  pixels: barcode(times.length, width, height),
  frames: times.map((time, i) => ({ index: frameIndex(i), timeSeconds: seconds(time) })),
  width,
  height,
});

/** Times of so many frames, so many a second. */
export const steadyTimes = (count: number, fps: number): number[] =>
  Array.from({ length: count }, (_, i) => i / fps);
