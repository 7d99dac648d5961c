import {
  defaultPixelLimits,
  type PixelLimits,
  type Size,
  smartResize,
  videoPixelLimits,
} from "../frames/smart-resize.ts";
import { chooseFrames } from "./frame-count.ts";
import type { MediaPart, ProcessorRules } from "./processor-rules.ts";
import type { ProcessorSettings } from "./processor-settings.ts";

const limitsOf = (part: MediaPart, frames: number, settings: ProcessorSettings): PixelLimits =>
  part.type === "video"
    ? videoPixelLimits(part, frames, settings.patchSize * settings.mergeSize)
    : {
        minPixels: part.min_pixels ?? settings.imageLimits.minPixels,
        maxPixels: part.max_pixels ?? settings.imageLimits.maxPixels,
      };

/** @source qwen-vl-utils 0.0.14, `fetch_video` and `fetch_image`: a given size knows the default limits of an image only */
const sizeOf = (part: MediaPart, given: Size, frames: number, settings: ProcessorSettings): Size => {
  const factor = settings.patchSize * settings.mergeSize;
  const { resized_height: height, resized_width: width } = part;
  if (height === undefined || width === undefined)
    return smartResize(given, limitsOf(part, frames, settings), factor);
  return smartResize({ width, height }, defaultPixelLimits(factor), factor);
};

/** Qwen2-VL and Qwen2.5-VL. */
export const qwenProcessorRules: ProcessorRules = {
  placeholders: { image: "<|image_pad|>", video: "<|video_pad|>" },
  chooseFrames,
  sizeOf,
};
