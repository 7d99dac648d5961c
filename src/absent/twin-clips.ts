import type { FrameBatch } from "../frames/frame-batch.ts";
import type { PictureSize } from "../video/frame-size.ts";
import type { VideoService } from "../video/service.ts";
import type { Replacement } from "./pair.ts";
import { absentStream } from "./twin-frames.ts";
import type { TwinView } from "./twin-view.ts";

/** Both clips of a pair as files. */
export interface TwinClipsRequest {
  readonly video: VideoService;
  /** The clip that the pair is of. */
  readonly file: string;
  readonly size: PictureSize;
  readonly view: TwinView;
  readonly replacements: readonly Replacement[];
  /** Where both go. */
  readonly complete: string;
  readonly absent: string;
  /** x264 quality, 0 to 51. */
  readonly crf?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes the complete clip anew and its twin beside it. Both go through the same encoder, so that nothing but the
 * replaced frames tells them apart: an original beside an encoded twin could be told by its compression alone.
 *
 * @returns the frames that were to change and look the same, by index
 */
export const writeTwinClips = async (request: TwinClipsRequest): Promise<readonly number[]> => {
  const { video, file, view, replacements, complete, absent, signal } = request;
  const encode = request.crf === undefined ? {} : { encode: { crf: request.crf } };
  if (view.pixels === null) {
    const { unchanged } = await video.rewrite(file, { complete, absent, replacements, ...encode }, signal);
    return unchanged;
  }
  const { width, height } = request.size;
  const all = (): AsyncIterable<FrameBatch> => video.frames(file, { select: { kind: "all" } }, signal);
  await video.write(complete, { width, height, frames: all(), ...encode }, signal);
  await video.write(absent, { width, height, frames: absentStream(all(), view), ...encode }, signal);
  return [];
};
