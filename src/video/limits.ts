/** What one job may use before its worker is ended and the clip is given up. */
export interface VideoLimits {
  /** Seconds that a job may take, not counting the time in which its reader holds a chunk. */
  readonly wallSeconds: number;
  /** Seconds without a sign of life. */
  readonly stallSeconds: number;
  /** Private memory of one worker, enforced by `prlimit` where it exists. */
  readonly memoryMegabytes: number;
  /** Stored pixels of one frame. */
  readonly maxPixels: number;
  /** Packets of the video stream. */
  readonly maxPackets: number;
}

/** Limits that admit hours of 8K video and stop bombs. */
export const defaultLimits: VideoLimits = {
  wallSeconds: 3600,
  stallSeconds: 30,
  memoryMegabytes: 2048,
  maxPixels: 8192 * 4352,
  maxPackets: 20_000_000,
};
