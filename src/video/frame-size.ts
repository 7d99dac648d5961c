import { ConfigError } from "../core/errors.ts";
import type { FrameSize } from "./request.ts";

/** Rounds half to even, as Python's `round`. */
const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
};

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size with both sides multiples of `factor` and an area within the bounds that keeps the shape best.
 *
 * @source qwen_vl_utils `smart_resize` (Qwen2.5-VL); its rule for shapes beyond 200:1 is kept as an error
 */
export const sizeWithin = (
  picture: PictureSize,
  minPixels: number,
  maxPixels: number,
  factor = 2,
): PictureSize => {
  const { width, height } = picture;
  if (Math.max(width, height) / Math.min(width, height) > 200)
    throw new ConfigError("picture is too thin to resize", {
      expected: "sides within 200:1",
      got: `${width}x${height}`,
    });
  let high = Math.max(factor, roundHalfEven(height / factor) * factor);
  let wide = Math.max(factor, roundHalfEven(width / factor) * factor);
  if (high * wide > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    high = Math.max(factor, Math.floor(height / beta / factor) * factor);
    wide = Math.max(factor, Math.floor(width / beta / factor) * factor);
  } else if (high * wide < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    high = Math.ceil((height * beta) / factor) * factor;
    wide = Math.ceil((width * beta) / factor) * factor;
  }
  return { width: wide, height: high };
};

/** The size that a request asks for. @throws {ConfigError} when it is not a size */
export const wantedSize = (picture: PictureSize, size: FrameSize | undefined): PictureSize => {
  if (size === undefined) return picture;
  if ("minPixels" in size) {
    if (!(size.minPixels <= size.maxPixels) || !(size.maxPixels > 0))
      throw new ConfigError("bad bounds of pixels", {
        expected: "0 < min <= max",
        got: `${size.minPixels}:${size.maxPixels}`,
      });
    return sizeWithin(picture, size.minPixels, size.maxPixels, size.factor);
  }
  const { width, height } = size;
  const good = (side: number): boolean => Number.isInteger(side) && side >= 1 && side <= 16_384;
  if (!good(width) || !good(height))
    throw new ConfigError("bad frame size", { expected: "sides of 1 to 16384", got: `${width}x${height}` });
  return { width, height };
};
