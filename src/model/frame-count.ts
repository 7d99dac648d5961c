import { ConfigError } from "../core/errors.ts";
import { linspaceFloat32, roundHalfEven } from "../core/python-numbers.ts";

/** What a video part of a message says about its frames. Times are seconds. */
export interface FrameCountRequest {
  readonly fps?: number | undefined;
  readonly nframes?: number | undefined;
  readonly min_frames?: number | undefined;
  readonly max_frames?: number | undefined;
  readonly video_start?: number | undefined;
  readonly video_end?: number | undefined;
}

/** The frames to be decoded, 0-based, and the rate that they amount to. */
export interface FrameChoice {
  readonly indices: readonly number[];
  /** Frames a second of the chosen frames; `secondsPerGrid` is the temporal patch size over this. */
  readonly sampleFps: number;
}

/** Frames come in pairs, because a temporal patch has two. */
const pair = 2;
const defaultFps = 2;
const fewestFrames = 4;
const mostFrames = 768;

/** First and last frame of the requested time range. */
const rangeOf = (
  request: FrameCountRequest,
  totalFrames: number,
  videoFps: number,
): [first: number, last: number] => {
  if (request.video_start === undefined && request.video_end === undefined) return [0, totalFrames - 1];
  const duration = totalFrames / videoFps;
  const clamped = (time: number): number => Math.max(0, Math.min(time, duration));
  const first = request.video_start === undefined ? 0 : Math.ceil(clamped(request.video_start) * videoFps);
  const last =
    request.video_end === undefined
      ? totalFrames - 1
      : Math.min(Math.floor(clamped(request.video_end) * videoFps), totalFrames - 1);
  if (first >= last)
    throw new ConfigError("time range of a clip", {
      expected: `video_start before video_end within ${duration.toFixed(3)} s`,
      got: `frames ${first} to ${last}`,
    });
  return [first, last];
};

/**
 * How many frames of a clip are used: `nframes` rounded to a pair, or as many as `fps` (default 2) asks for, at
 * least 4, at most 768 and never more than there are, in whole pairs.
 *
 * @source qwen-vl-utils 0.0.14, `smart_nframes`
 * @throws {ConfigError} when both `fps` and `nframes` are given, or fewer than two frames remain
 */
export const frameCount = (request: FrameCountRequest, totalFrames: number, videoFps: number): number => {
  if (request.fps !== undefined && request.nframes !== undefined)
    throw new ConfigError("frames of a clip", {
      expected: "either a rate (fps) or a number of frames (nframes)",
      got: "both",
    });
  let count: number;
  if (request.nframes !== undefined) count = roundHalfEven(request.nframes / pair) * pair;
  else {
    const least = Math.ceil((request.min_frames ?? fewestFrames) / pair) * pair;
    const most = Math.floor((request.max_frames ?? Math.min(mostFrames, totalFrames)) / pair) * pair;
    const wanted = (totalFrames / videoFps) * (request.fps ?? defaultFps);
    count = Math.floor(Math.min(Math.max(wanted, least), most, totalFrames) / pair) * pair;
  }
  if (!(count >= pair && count <= totalFrames)) {
    const asked =
      request.nframes === undefined || request.nframes === count ? "" : `${request.nframes}, in pairs `;
    throw new ConfigError("frames of a clip", {
      expected: `an even number from ${pair} to ${totalFrames - (totalFrames % pair)} of its ${totalFrames} frames`,
      got: `${asked}${count}`,
    });
  }
  return count;
};

/**
 * The frames that Qwen2.5-VL's own reader takes from a clip: evenly spread over the time range with both ends,
 * indices rounded half to even in float32. A clip of one frame, which that reader refuses, shows it twice.
 *
 * @param totalFrames frames of the whole clip
 * @param videoFps its average rate
 * @source qwen-vl-utils 0.0.14, `calculate_video_frame_range`, `smart_nframes` and the readers
 * @throws {ConfigError} for a request that the clip cannot meet
 */
export const chooseFrames = (
  request: FrameCountRequest,
  totalFrames: number,
  videoFps: number,
): FrameChoice => {
  if (totalFrames === 1)
    return { indices: [0, 0], sampleFps: videoFps > 0 && videoFps < Infinity ? videoFps : defaultFps };
  if (!Number.isSafeInteger(totalFrames) || totalFrames < 1 || !(videoFps > 0) || !Number.isFinite(videoFps))
    throw new ConfigError("clip", {
      expected: "frames and a positive rate",
      got: `${totalFrames} frames at ${videoFps}/s`,
    });
  for (const [name, value] of Object.entries(request))
    if (
      value !== undefined &&
      (!Number.isFinite(value) || value < 0 || (value === 0 && !name.startsWith("video_")))
    )
      throw new ConfigError(`${name} of a clip`, { expected: "a positive number", got: String(value) });
  const [first, last] = rangeOf(request, totalFrames, videoFps);
  const frames = last - first + 1;
  const count = frameCount(request, frames, videoFps);
  return {
    indices: Array.from(linspaceFloat32(first, last, count), roundHalfEven),
    sampleFps: (count / frames) * videoFps,
  };
};
