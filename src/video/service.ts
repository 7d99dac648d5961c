import type { VideoLimits } from "./limits.ts";
import type { FrameRequest, RewriteRequest, RewrittenVideo, VideoToWrite, WrittenVideo } from "./request.ts";
import type { DecoderIdentity, RawFrames, VideoInfo } from "./types.ts";

/** Which decoder; "auto": node-av when it can be loaded, else the ffmpeg command line. */
export type DecoderChoice = "auto" | "node-av" | "ffmpeg";

/** How a {@link VideoService} works. */
export interface VideoServiceOptions {
  readonly decoder?: DecoderChoice;
  /** Worker processes; default: as many as cores. They start when first needed. */
  readonly workers?: number;
  readonly limits?: Partial<VideoLimits>;
}

/**
 * Decoding and encoding in isolated worker processes. Every method throws {@link VideoError} for a file that cannot be
 * used; a worker that crashes, hangs or outgrows its limits costs only the job that it had. Calls may overlap: jobs
 * are spread over the workers in the order in which they come, and a worker lives on, so thousands of small clips
 * cost no process starts.
 */
export interface VideoService extends AsyncDisposable {
  /** Container, streams, every frame's true time, faults. Reads every packet, decodes at most one frame. */
  probe(file: string, signal?: AbortSignal): Promise<VideoInfo>;
  /** The chosen frames in presentation order, a few megabytes at a time; the next chunk is decoded while one is read. */
  frames(file: string, request: FrameRequest, signal?: AbortSignal): AsyncIterable<RawFrames>;
  /** Writes H.264 MP4 (yuv420p, BT.709, index in front), one file; the file appears whole or not at all. */
  write(file: string, video: VideoToWrite, signal?: AbortSignal): Promise<WrittenVideo>;
  /** Decodes once and writes the clip and/or its twin with replaced frames, times kept, without sound. */
  rewrite(file: string, request: RewriteRequest, signal?: AbortSignal): Promise<RewrittenVideo>;
  /** Name and version of the decoder in use. */
  decoder(): Promise<DecoderIdentity>;
  /** Ends the workers; running jobs fail. */
  close(): Promise<void>;
}

export const openVideoService: (options?: VideoServiceOptions) => VideoService = () => {
  throw new Error("being built");
};
