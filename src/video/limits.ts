/** What one job may use before its worker is ended and the clip is given up. */
export interface VideoLimits {
  /** Seconds that a job may take, not counting the time in which its reader holds a chunk. */
  readonly wallSeconds: number;
  /** Seconds without a sign of life. */
  readonly stallSeconds: number;
  /** Private memory of one worker, enforced by `prlimit` where it exists. Node 24 itself reserves about 1.1 GB of it. */
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
