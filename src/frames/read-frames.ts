import { VideoError } from "../core/errors.ts";
import type { FrameRequest } from "../video/request.ts";
import type { VideoService } from "../video/service.ts";
import type { TimedFrame } from "../video/types.ts";
import { type FrameBatch, frameBatch } from "./frame-batch.ts";

/** Whatever can give frames of a file: a {@link VideoService}, or a cache in front of one. */
export type FrameSource = Pick<VideoService, "frames">;

/** Frames of a clip as they come, a few megabytes at a time: memory stays flat however long the clip is. */
export async function* streamFrames(
  source: FrameSource,
  file: string,
  request: FrameRequest,
  signal?: AbortSignal,
): AsyncGenerator<FrameBatch> {
  for await (const chunk of source.frames(file, request, signal)) yield frameBatch(chunk);
}

/** All frames of a request in one batch; for requests whose answer fits into memory. @throws {VideoError} when empty */
export const readFrames = async (
  source: FrameSource,
  file: string,
  request: FrameRequest,
  signal?: AbortSignal,
): Promise<FrameBatch> => {
  const chunks: FrameBatch[] = [];
  for await (const chunk of streamFrames(source, file, request, signal)) chunks.push(chunk);
  const first = chunks[0];
  if (first === undefined) throw new VideoError("no frames in the request", { where: file });
  if (chunks.length === 1) return first;
  const frames: TimedFrame[] = [];
  const pixels = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.pixels.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    pixels.set(chunk.pixels, at);
    at += chunk.pixels.length;
    frames.push(...chunk.frames);
  }
  const repeated = chunks.flatMap((chunk) => chunk.repeated ?? []);
  const { width, height } = first;
  return frameBatch({ pixels, frames, width, height, ...(repeated.length > 0 && { repeated }) });
};
