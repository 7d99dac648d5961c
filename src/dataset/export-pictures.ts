import sharp from "sharp";
import { absentBatch, neededFrames } from "../absent/twin-frames.ts";
import { type TwinView, twinView } from "../absent/twin-view.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import { readFrames } from "../frames/read-frames.ts";
import type { VideoService } from "../video/service.ts";
import { indicesForCount } from "../video/timeline.ts";
import type { Sample } from "./sample.ts";

/** A sample's clip as pictures with their times, and what its twin shows at the same times. */
export interface ExportPictures {
  readonly timesSeconds: readonly number[];
  /** JPEG files. */
  readonly complete: readonly Uint8Array[];
  readonly absent?: readonly Uint8Array[];
}

const jpegsOf = (batch: FrameBatch, positions: readonly number[]): Promise<Uint8Array[]> =>
  Promise.all(
    positions.map((position) =>
      sharp(Buffer.from(pixelsOf(batch, position)), {
        raw: { width: batch.width, height: batch.height, channels: 3 },
      })
        .jpeg({ quality: 92 })
        .toBuffer(),
    ),
  );

/**
 * Pictures of a clip: those that the sample chose, else `count` at the middles of equal spans of time.
 *
 * @param maxPixels of one picture; its shape stays
 * @throws {VideoError} when the clip cannot be decoded
 */
export const exportPictures = async (
  video: VideoService,
  file: string,
  sample: Sample,
  { count, maxPixels }: { readonly count: number; readonly maxPixels: number },
  signal?: AbortSignal,
): Promise<ExportPictures> => {
  const { timeline, durationSeconds } = sample.clip;
  const indices = sample.frames ?? indicesForCount(timeline, count, undefined, durationSeconds);
  const view: TwinView | undefined = sample.absent === undefined ? undefined : await twinView(sample.absent);
  const needed = view === undefined ? indices : neededFrames(indices, view);
  const batch = await readFrames(
    video,
    file,
    { select: { kind: "indices", indices: needed }, size: { minPixels: 1, maxPixels } },
    signal,
  );
  const positions = new Map(batch.frames.map(({ index }, at) => [index as number, at]));
  const wanted = indices.map((index) => positions.get(index)!);
  const complete = await jpegsOf(batch, wanted);
  const timesSeconds = wanted.map((at): number => batch.frames[at]!.timeSeconds);
  if (view === undefined) return { timesSeconds, complete };
  return { timesSeconds, complete, absent: await jpegsOf(absentBatch(batch, view), wanted) };
};
