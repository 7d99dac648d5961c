import type { Size } from "../frames/smart-resize.ts";
import type { FrameChoice, FrameCountRequest } from "./frame-count.ts";
import type { ProcessorSettings } from "./processor-settings.ts";

/** What a part may say about its size: limits, or a size that is rounded to whole units. Pixels. */
interface PixelRequest {
  readonly min_pixels?: number | undefined;
  readonly max_pixels?: number | undefined;
  readonly resized_height?: number | undefined;
  readonly resized_width?: number | undefined;
}

/** Part of a message in the Qwen message format. `sample_fps` is the rate of a list of frames, before `fps`. */
export type ProcessorPart =
  | { readonly type: "text"; readonly text: string }
  | (PixelRequest & {
      readonly type: "video";
      readonly video: string;
      readonly fps?: number | undefined;
      readonly sample_fps?: number | undefined;
      readonly total_pixels?: number | undefined;
    })
  | (PixelRequest & { readonly type: "image"; readonly image: string });

/** The part of a message that shows something. */
export type MediaPart = Exclude<ProcessorPart, { readonly type: "text" }>;

/** Rules of a family's processor: which frames of a clip it takes, how large they become, where they stand in the text. */
export interface ProcessorRules {
  /** Added tokens that stand for a visual in the text; each becomes as many as the visual has tokens. */
  readonly placeholders: { readonly image: string; readonly video: string };
  /**
   * The frames that are taken from a clip of so many frames.
   *
   * @throws {ConfigError} for a request that the clip cannot meet
   */
  chooseFrames(request: FrameCountRequest, totalFrames: number, videoFps: number): FrameChoice;
  /**
   * Sizes through which the frames of a part go, one after the other; the last is the one that the model takes.
   *
   * @param frames after their number was made whole temporal patches
   * @throws {ConfigError} for limits that cannot be met
   */
  sizesOf(part: MediaPart, given: Size, frames: number, settings: ProcessorSettings): readonly Size[];
}
