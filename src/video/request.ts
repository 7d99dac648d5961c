import type { RawFrames } from "./types.ts";

/** Which frames. Every rule works on true times; see `timeline.ts` for their arithmetic. */
export type FrameSelection =
  | { readonly kind: "all" }
  /** Positions in presentation order; the answer is in ascending order without repetition. */
  | { readonly kind: "indices"; readonly indices: readonly number[] }
  /** For each time the last frame that is shown at it. */
  | { readonly kind: "times"; readonly timesSeconds: readonly number[] }
  /** One frame every 1/fps seconds, beginning with the first. */
  | { readonly kind: "fps"; readonly fps: number }
  /** So many frames at the middles of equal spans of time. */
  | { readonly kind: "count"; readonly count: number };

/** How large. `pixels`: keep the shape, sides rounded to multiples of `factor` (default 2), area within the bounds. */
export type FrameSize =
  | { readonly width: number; readonly height: number }
  | { readonly minPixels: number; readonly maxPixels: number; readonly factor?: number };

/**
 * How frames are brought to the wanted size: bit for bit as Pillow's bicubic, or faster by zimg in the decoder. zimg
 * cannot take pictures of odd sides with subsampled colour; those get Pillow's bicubic with either choice.
 */
export type Resizer = "pillow" | "zscale";

/** What to decode. */
export interface FrameRequest {
  readonly select: FrameSelection;
  /** Absent: the size as seen. */
  readonly size?: FrameSize;
  /** Default "pillow". */
  readonly resizer?: Resizer;
  /** Half-open span of times that the selection is limited to; `fps` and `count` start at its beginning. */
  readonly range?: { readonly startSeconds: number; readonly endSeconds: number };
  /** Pixels of a chunk may be looked at until the next chunk is asked for only: their memory is used again. */
  readonly lent?: boolean;
}

/** x264's speed steps that are offered. */
export type EncoderPreset = "ultrafast" | "superfast" | "veryfast" | "faster" | "fast" | "medium" | "slow";

/** How to encode. One thread and no banner: the same frames give the same bytes. */
export interface EncodeOptions {
  /** x264 quality, 0 (lossless) to 51; default 18. */
  readonly crf?: number;
  /** Default "veryfast". */
  readonly preset?: EncoderPreset;
  /** Largest distance of key packets in frames; default 250. */
  readonly gop?: number;
  /** Clock of the file; times are rounded to it and must stay distinct. Default 90000. */
  readonly ticksPerSecond?: number;
}

/** Frames to write as MP4. */
export interface VideoToWrite {
  /** Size of the frames that come; odd sides are padded by repeating the last row or column. */
  readonly width: number;
  readonly height: number;
  /** In presentation order, times ascending; frame indices are ignored, the first time becomes 0. */
  readonly frames: AsyncIterable<RawFrames> | Iterable<RawFrames>;
  /** End of the last frame; default: as long as the frame before it. */
  readonly endSeconds?: number;
  readonly encode?: EncodeOptions;
}

/** A file that was written. */
export interface WrittenVideo {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Stored size: even. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/** Frame `index` of the twin shows what frame `from` of the original shows. */
export interface FrameReplacement {
  readonly index: number;
  readonly from: number;
}

/** What {@link VideoService.rewrite} writes; at least one file. */
export interface RewriteRequest {
  /** Where the re-encoded original goes. */
  readonly complete?: string;
  /** Where the twin with replaced frames goes. */
  readonly absent?: string;
  readonly replacements: readonly FrameReplacement[];
  /**
   * Source and encoding. Key packets are placed around every replaced run in both files and the quantiser is constant
   * (`crf` is its value), so every frame that is not replaced decodes to the same pixels in both.
   */
  readonly encode?: EncodeOptions;
}

/** What was written by {@link VideoService.rewrite}. */
export interface RewrittenVideo {
  readonly complete?: WrittenVideo;
  readonly absent?: WrittenVideo;
  /** Frames of the twin that were to show another one and look the same: source and target have equal pixels. */
  readonly unchanged: readonly number[];
}
