import {
  defaultPixelLimits,
  type PixelLimits,
  processorResize,
  type Size,
  smartResize,
  videoPixelLimits,
} from "../frames/smart-resize.ts";
import { chooseFrames } from "./frame-count.ts";
import type { MediaPart, ProcessorRules } from "./processor-rules.ts";

/**
 * Size that qwen-vl-utils chooses; a size that the message gives knows the default limits of an image only.
 * @source qwen-vl-utils 0.0.14, `fetch_video` and `fetch_image`
 */
const askedSize = (part: MediaPart, given: Size, frames: number, factor: number): Size => {
  const { resized_height: height, resized_width: width } = part;
  const usual = defaultPixelLimits(factor);
  if (height !== undefined && width !== undefined) return smartResize({ width, height }, usual, factor);
  const limits: PixelLimits =
    part.type === "video"
      ? videoPixelLimits(part, frames, factor)
      : { minPixels: part.min_pixels ?? usual.minPixels, maxPixels: part.max_pixels ?? usual.maxPixels };
  return smartResize(given, limits, factor);
};

const sizesOf: ProcessorRules["sizesOf"] = (part, given, frames, settings) => {
  const factor = settings.patchSize * settings.mergeSize;
  const asked = askedSize(part, given, frames, factor);
  const own = processorResize(
    asked,
    part.type === "video" ? settings.videoLimits : settings.imageLimits,
    factor,
  );
  return own.width === asked.width && own.height === asked.height ? [asked] : [asked, own];
};

/** Qwen2-VL and Qwen2.5-VL. */
export const qwenProcessorRules: ProcessorRules = {
  placeholders: { image: "<|image_pad|>", video: "<|video_pad|>" },
  chooseFrames,
  sizesOf,
};
