import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import type { VideoInfo } from "../video/types.ts";
import { psnrOf, squaredError } from "./fidelity.ts";
import { neededFrames } from "./twin-frames.ts";
import { shownPicture, type TwinView } from "./twin-view.ts";

/** How close the written clips are to what they should show, over a spread of frames; decibels, null: equal. */
export interface PairFidelity {
  /** Frames that were compared. */
  readonly frames: number;
  /** Complete clip against the source. */
  readonly completePsnr: number | null;
  /** Absent clip against the source read through the replacements. */
  readonly absentPsnr: number | null;
  /** Absent against complete at frames that were not declared; null: bit for bit the same, as intended. */
  readonly untouchedPsnr: number | null;
}

/** Frames that are compared at most; a third of them declared ones. */
const mostFrames = 24;

/** Up to `count` of `values`, evenly spread. */
const spreadOf = (values: readonly number[], count: number): number[] =>
  values.length <= count
    ? [...values]
    : Array.from({ length: count }, (_, at) => values[Math.floor(((at + 0.5) * values.length) / count)]!);

/** Decodes a spread of frames from the source and both clips and compares them at the source's size. */
export const pairFidelity = async (request: {
  readonly video: VideoService;
  readonly file: string;
  readonly info: VideoInfo;
  readonly complete: string;
  readonly absent: string;
  readonly view: TwinView;
  readonly signal?: AbortSignal;
}): Promise<PairFidelity> => {
  const { video, info, view, signal } = request;
  const declared = spreadOf(view.changed, mostFrames / 3);
  const all = info.timeline.map(({ index }) => index as number);
  const untouched = spreadOf(
    all.filter((index) => !view.changes(index)),
    mostFrames - declared.length,
  );
  const chosen = [...declared, ...untouched].sort((a, b) => a - b);
  const read = async (file: string, indices: readonly number[]): Promise<Map<number, Uint8Array>> => {
    const found = new Map<number, Uint8Array>();
    for await (const batch of video.frames(file, { select: { kind: "indices", indices } }, signal))
      for (let position = 0; position < batch.frames.length; position++)
        found.set(batch.frames[position]!.index, cropped(batch, position, info));
    return found;
  };
  const source = await read(request.file, neededFrames(chosen, view));
  const complete = await read(request.complete, chosen);
  const absent = await read(request.absent, chosen);
  const sums = { complete: 0, absent: 0, untouched: 0 };
  let count = 0;
  let untouchedCount = 0;
  for (const index of chosen) {
    const frame = view.at(index);
    const expected = shownPicture(frame, source.get(frame.source)!, info.width, info.height);
    sums.complete += squaredError(source.get(index)!, complete.get(index)!);
    sums.absent += squaredError(expected, absent.get(index)!);
    count += expected.length;
    if (view.changes(index)) continue;
    sums.untouched += squaredError(complete.get(index)!, absent.get(index)!);
    untouchedCount += expected.length;
  }
  return {
    frames: chosen.length,
    completePsnr: psnrOf(sums.complete, count),
    absentPsnr: psnrOf(sums.absent, count),
    untouchedPsnr: psnrOf(sums.untouched, untouchedCount),
  };
};

/** A frame's pixels without the column and row that even sizes add. */
const cropped = (batch: FrameBatch, position: number, { width, height }: VideoInfo): Uint8Array => {
  const pixels = pixelsOf(batch, position);
  if (batch.width === width && batch.height === height) return Uint8Array.from(pixels);
  const result = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    result.set(pixels.subarray(y * batch.width * 3, (y * batch.width + width) * 3), y * width * 3);
  return result;
};
