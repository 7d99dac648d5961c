import { ShapeError } from "../core/errors.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { resizeBatch } from "../frames/resize.ts";
import type { PictureSize } from "../video/frame-size.ts";
import type { Resizer } from "../video/request.ts";
import type { VideoService } from "../video/service.ts";
import type { Timeline } from "../video/types.ts";
import type { FileReference } from "./pair.ts";

/** A clip that a pair is made of: a file, or frames in memory. */
export interface PairSource extends PictureSize {
  /** The clip as the record names it. */
  readonly clip: FileReference;
  /** All frames of the clip. */
  readonly timeline: Timeline;
  readonly durationSeconds: number;
  /** Names the pixels that {@link frames} gives: the content and what decodes it; for kept scores. */
  readonly content: string;
  /** Which frames {@link frames} can give; all of them when left out. */
  readonly holds?: (index: number) => boolean;
  /** Frames by ascending index of the clip, at a size; a few megabytes at a time. */
  frames(
    indices: readonly number[],
    size: PictureSize,
    resizer: Resizer,
    signal?: AbortSignal,
  ): AsyncIterable<FrameBatch>;
}

/** A size with the clip's shape and no side longer than `longest`. */
export const fittedWithin = ({ width, height }: PictureSize, longest: number): PictureSize => {
  const scale = Math.min(1, longest / Math.max(width, height));
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: side(width), height: side(height) };
};

/**
 * A clip in a file.
 *
 * @throws {VideoError} when it cannot be read
 */
export const fileSource = async (
  video: VideoService,
  file: string,
  sha256Of: (file: string) => Promise<string>,
  signal?: AbortSignal,
): Promise<PairSource> => {
  const { timeline, width, height, durationSeconds, decoder } = await video.probe(file, signal);
  const sha256 = await sha256Of(file);
  return {
    clip: { file, sha256 },
    timeline,
    width,
    height,
    durationSeconds,
    content: `${sha256}/${decoder.name}/${decoder.version}`,
    frames: (indices, size, resizer, ends) => {
      const whole = indices.length === timeline.length;
      const select = whole ? ({ kind: "all" } as const) : ({ kind: "indices", indices } as const);
      return video.frames(file, { select, size, resizer }, ends);
    },
  };
};

/** A clip of which some frames are in memory; only these can be scored. */
export const memorySource = (clip: FileReference, timeline: Timeline, batch: FrameBatch): PairSource => {
  const { width, height } = batch;
  const positions = new Map(batch.frames.map(({ index }, position) => [index as number, position]));
  return {
    clip,
    timeline,
    width,
    height,
    durationSeconds: timeline.at(-1)?.timeSeconds ?? 0,
    content: `${clip.sha256}/memory`,
    holds: (index) => positions.has(index),
    frames: async function* (indices, size) {
      const chosen = indices.map((index) => {
        const position = positions.get(index);
        if (position === undefined)
          throw new ShapeError("frame is not in memory", { where: `${clip.file}, frame ${index}` });
        return position;
      });
      const all = chosen.length === batch.frames.length;
      const picked = all
        ? batch
        : {
            width,
            height,
            frames: chosen.map((position) => batch.frames[position]!),
            pixels: Buffer.concat(chosen.map((position) => pixelsOf(batch, position))),
          };
      yield resizeBatch(picked, size.width, size.height);
    },
  };
};
