import type { FrameIndex, Seconds } from "../core/units.ts";

/** One presented frame: its 0-based position in presentation order and its true time from the first frame. */
export interface TimedFrame {
  readonly index: FrameIndex;
  readonly timeSeconds: Seconds;
}

/** Every presented frame of a clip in order; time is the truth, variable rates are normal. */
export type Timeline = readonly TimedFrame[];

/** Clockwise turn that makes the stored picture upright, degrees. */
export type Rotation = 0 | 90 | 180 | 270;

/** One stream of the container. */
export interface StreamInfo {
  readonly index: number;
  readonly kind: "video" | "audio" | "subtitle" | "other";
  readonly codec: string;
  /** Stored size, video only. */
  readonly width?: number;
  readonly height?: number;
  /** A still picture that belongs to the file (cover art), not a film. */
  readonly attachedPicture: boolean;
}

/** What a decoder says about a clip. */
export interface VideoInfo {
  readonly file: string;
  /** Container format as FFmpeg names it, e.g. "mov,mp4,m4a,3gp,3g2,mj2". */
  readonly container: string;
  readonly streams: readonly StreamInfo[];
  /** The stream that is decoded: the largest picture among the films, the first one of equals. */
  readonly streamIndex: number;
  readonly codec: string;
  readonly pixelFormat: string;
  /** Stored size before rotation and pixel shape. */
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Size as seen: upright, square pixels. */
  readonly width: number;
  readonly height: number;
  readonly rotation: Rotation;
  /** Width to height of one stored pixel. */
  readonly sampleAspectRatio: readonly [number, number];
  /** Seconds per tick of the stream, as a fraction. */
  readonly timeBase: readonly [number, number];
  readonly timeline: Timeline;
  /** Presentation time of the first frame on the container's own clock, seconds. */
  readonly startSeconds: number;
  /** From the first frame to the end of the last one. */
  readonly durationSeconds: number;
  /** Frames by duration; 0 for a single frame of unknown duration. */
  readonly averageFps: number;
  /** True when frame distances differ by more than a tick of rounding. */
  readonly variableRate: boolean;
  readonly keyPackets: readonly number[];
  /** What is wrong with the file though it can be read, one sentence each. */
  readonly faults: readonly string[];
  readonly decoder: DecoderIdentity;
}

/** Which program decoded; part of every cache key. */
export interface DecoderIdentity {
  readonly name: string;
  readonly version: string;
}

/** Consecutive decoded frames: `pixels` is rgb24 [n, height, width, 3], upright, square pixels. */
export interface RawFrames {
  readonly pixels: Uint8Array;
  readonly frames: readonly TimedFrame[];
  readonly width: number;
  readonly height: number;
  /** Indices of frames that could not be decoded and repeat a neighbour; absent when there are none. */
  readonly repeated?: readonly number[];
}
