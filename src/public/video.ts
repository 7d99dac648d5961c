/** `videoperceiver/video`: clips as timed pictures, and pictures as clips. */
export { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
export { type FrameSource, readFrames, streamFrames } from "../frames/read-frames.ts";
export type {
  EncodeOptions,
  FrameRequest,
  FrameSelection,
  FrameSize,
  Resizer,
  RewriteRequest,
  RewrittenVideo,
  VideoToWrite,
  WrittenVideo,
} from "../video/request.ts";
export {
  type DecoderChoice,
  openVideoService,
  type VideoService,
  type VideoServiceOptions,
} from "../video/service.ts";
export {
  frameAt,
  indicesForCount,
  indicesForFps,
  indicesInRange,
  timelineFromTimes,
} from "../video/timeline.ts";
export type { RawFrames, StreamInfo, TimedFrame, Timeline, VideoInfo } from "../video/types.ts";
