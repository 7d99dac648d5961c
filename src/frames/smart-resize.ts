import { ConfigError } from "../core/errors.ts";
import { roundHalfEven } from "../core/python-numbers.ts";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Fewest and most pixels of one picture. */
export interface PixelLimits {
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** 4 to 16,384 merged patches: the limits of an image of which nothing is said. */
export const defaultPixelLimits = (factor: number): PixelLimits => ({
  minPixels: 4 * factor * factor,
  maxPixels: 16_384 * factor * factor,
});

/** Largest ratio of the sides that is accepted. */
const largestRatio = 200;

/**
 * The size to which a picture is brought: sides are multiples of `factor` (patch size x merge size), the area lies
 * within the limits, the aspect ratio is kept as well as that allows.
 *
 * @source qwen-vl-utils 0.0.14, `smart_resize`; sides round half to even as in Python
 * @throws {ConfigError} for sides that are not positive, a ratio above 200, or limits the wrong way round
 */
export const smartResize = ({ width, height }: Size, limits: PixelLimits, factor: number): Size => {
  const { minPixels, maxPixels } = limits;
  if (!(width > 0) || !(height > 0))
    throw new ConfigError("size of a picture", { expected: "positive sides", got: `${width}x${height}` });
  if (!(maxPixels >= minPixels))
    throw new ConfigError("pixel limits", {
      expected: `max_pixels >= min_pixels ${minPixels}`,
      got: `${maxPixels}`,
    });
  const ratio = Math.max(height, width) / Math.min(height, width);
  if (ratio > largestRatio)
    throw new ConfigError("picture too long and thin", {
      expected: `sides within 1:${largestRatio}`,
      got: `${width}x${height}`,
    });
  const high = Math.max(factor, roundHalfEven(height / factor) * factor);
  const wide = Math.max(factor, roundHalfEven(width / factor) * factor);
  if (high * wide > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    const size = {
      height: Math.floor(height / beta / factor) * factor,
      width: Math.floor(width / beta / factor) * factor,
    };
    if (size.height === 0 || size.width === 0)
      throw new ConfigError("picture does not fit", {
        expected: `max_pixels that leave ${factor} pixels a side`,
        got: `${maxPixels} for ${width}x${height}`,
      });
    return size;
  }
  if (high * wide < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return {
      height: Math.ceil((height * beta) / factor) * factor,
      width: Math.ceil((width * beta) / factor) * factor,
    };
  }
  return { width: wide, height: high };
};

/**
 * The size to which a checkpoint's own processor brings a picture whose sides are whole multiples of `factor`
 * already: nothing changes unless the area lies outside the processor's limits.
 *
 * @source transformers 5.23, `smart_resize` of `Qwen2VLVideoProcessor`; limits the wrong way round are no error there
 */
export const processorResize = (size: Size, { minPixels, maxPixels }: PixelLimits, factor: number): Size => {
  const { width, height } = size;
  const area = height * width;
  if (area > maxPixels) {
    const beta = Math.sqrt(area / maxPixels);
    const side = (length: number): number => Math.max(factor, Math.floor(length / beta / factor) * factor);
    return { height: side(height), width: side(width) };
  }
  if (area >= minPixels) return size;
  const beta = Math.sqrt(minPixels / area);
  const side = (length: number): number => Math.ceil((length * beta) / factor) * factor;
  return { height: side(height), width: side(width) };
};

/** What a video part of a message may say about its pixels, and the budget of the whole clip. */
export interface VideoPixelRequest {
  readonly min_pixels?: number | undefined;
  readonly max_pixels?: number | undefined;
  readonly total_pixels?: number | undefined;
}

/** Context that the default of `total_pixels` is derived from, in visual tokens. */
const defaultSequenceLength = 128_000;

/**
 * The limits for one frame of a clip. Defaults: 128 to 768 merged patches a frame, 90 % of a context of 128,000
 * merged patches for all pairs of frames together; a `max_pixels` above what the total leaves is lowered to it.
 *
 * @param frames frames after an odd count was made even
 * @source qwen-vl-utils 0.0.14, `fetch_video`
 */
export const videoPixelLimits = (request: VideoPixelRequest, frames: number, factor: number): PixelLimits => {
  const area = factor * factor;
  const minPixels = request.min_pixels ?? 128 * area;
  const total = request.total_pixels ?? defaultSequenceLength * area * 0.9;
  const cap = Math.max(Math.min(768 * area, (total / frames) * 2), Math.trunc(minPixels * 1.05));
  return { minPixels, maxPixels: Math.min(request.max_pixels ?? cap, cap) };
};
