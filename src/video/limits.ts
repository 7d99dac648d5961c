import { VideoError } from "../core/errors.ts";
import type { PictureSize } from "./frame-size.ts";

/** What one job may use before its worker is ended and the clip is given up. */
export interface VideoLimits {
  /** Seconds that a job may take, not counting the time in which its reader holds a chunk. */
  readonly wallSeconds: number;
  /** Seconds without a sign of life. */
  readonly stallSeconds: number;
  /** Private memory of one worker, of which Node reserves {@link reservedMegabytes} without using them. */
  readonly memoryMegabytes: number;
  /** Stored pixels of one frame. */
  readonly maxPixels: number;
  /** Packets of the video stream. */
  readonly maxPackets: number;
}

/** Limits that admit 8K pictures and 18 hours at 60 frames a second, and stop bombs. */
export const defaultLimits: VideoLimits = {
  wallSeconds: 3600,
  stallSeconds: 30,
  memoryMegabytes: 2048,
  maxPixels: 8192 * 4352,
  maxPackets: 4_000_000,
};

/** Memory that Node 24 reserves and does not use: counted by `prlimit`, absent from what a process really holds. */
export const reservedMegabytes = 1000;

/** Bytes that decoding and resizing hold at most for a pixel of the stored picture: pictures of the codec, rgb, copies. */
const bytesPerPixel = 24;

/** The limits for pictures of up to `maxPixels`, with the memory that these take. */
export const limitsForPixels = (maxPixels: number): Pick<VideoLimits, "maxPixels" | "memoryMegabytes"> => ({
  maxPixels,
  memoryMegabytes: Math.max(
    defaultLimits.memoryMegabytes,
    Math.ceil(1.2 * reservedMegabytes + (maxPixels * bytesPerPixel) / 1e6),
  ),
});

/** Pixels of the largest picture that FFmpeg itself admits. */
const mostDecodable = 2 ** 28;

/** What is said of a picture beyond the limit. */
export const tooLarge = (file: string, limits: VideoLimits, { width, height }: PictureSize): VideoError =>
  new VideoError("picture is too large", {
    where: file,
    expected: `at most ${limits.maxPixels} pixels`,
    got: `${width}x${height}`,
    hint:
      width * height > mostDecodable ? "no decoder takes it" : `--max-picture ${width}x${height} admits it`,
  });

/** What is said of a clip with more packets than the limit. */
export const tooManyPackets = (limits: VideoLimits, file?: string): VideoError =>
  new VideoError("too many packets", {
    ...(file !== undefined && { where: file }),
    expected: `at most ${limits.maxPackets}`,
    hint: "cut the clip into shorter ones",
  });
