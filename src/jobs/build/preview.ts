import sharp from "sharp";
import { neededFrames } from "../../absent/twin-frames.ts";
import { shownPicture, type TwinView } from "../../absent/twin-view.ts";
import type { Timeline } from "../../video/types.ts";
import type { SeenClip } from "./seen-frames.ts";

/** What a pair's preview holds. */
export interface PreviewSize {
  /** Frames of the clip. */
  readonly frames: number;
  /** Longest side of a picture. */
  readonly pixels: number;
  /** JPEG quality, 1 to 100. */
  readonly quality: number;
}

/** Small pictures of a pair, side by side in one JPEG. */
export interface PairPreview {
  /** Base64 of the JPEG. */
  readonly sprite: string;
  /** Pictures in it, and the size of one. */
  readonly cells: number;
  readonly width: number;
  readonly height: number;
  /** Time of every step, and the picture that each side shows at it. */
  readonly times: readonly number[];
  readonly complete: readonly number[];
  readonly absent: readonly number[];
}

const spreadOver = <T>(values: readonly T[], count: number): T[] =>
  values.length <= count
    ? [...values]
    : Array.from({ length: count }, (_, at) => values[Math.floor(((at + 0.5) * values.length) / count)]!);

/**
 * Positions of the frames that a preview steps through, ascending: an even spread, the first and last frame, and a spread
 * over the changed ones with a frame on either side, so that a short event is always among them.
 */
export const previewFrames = (timeline: Timeline, view: TwinView, count: number): number[] => {
  const all = timeline.map(({ index }) => index as number);
  const changed = all.filter((index) => view.changes(index));
  const chosen = new Set([all[0]!, all.at(-1)!, ...spreadOver(changed, Math.ceil(count / 2))]);
  const border = all.findIndex((index) => view.changes(index));
  if (border > 0) chosen.add(all[border - 1]!);
  for (const index of spreadOver(all, Math.max(1, count - chosen.size))) chosen.add(index);
  return [...chosen].sort((a, b) => a - b);
};

/** The small pictures of a pair as one JPEG, and which of them each side shows when. */
export const pairPreview = async (
  clip: SeenClip,
  view: TwinView,
  sampled: Timeline,
  wanted: PreviewSize,
  signal: AbortSignal,
): Promise<PairPreview> => {
  const steps = previewFrames(sampled, view, wanted.frames);
  const needed = neededFrames(steps, view);
  const pictures = await clip.pictures(needed, signal);
  const { width, height } = clip.size;
  const cells: Uint8Array[] = needed.map((index) => pictures.get(index)!);
  const cellOf = new Map(needed.map((index, at) => [index, at]));
  const absent = steps.map((index) => {
    const frame = view.at(index);
    if (frame.pixels === null) return cellOf.get(frame.source)!;
    cells.push(shownPicture(frame, pictures.get(frame.source)!, width, height));
    return cells.length - 1;
  });
  const times = new Map(clip.source.timeline.map(({ index, timeSeconds }) => [index as number, timeSeconds]));
  const scale = Math.min(1, wanted.pixels / Math.max(width, height));
  const [cellWidth, cellHeight] = [
    Math.max(1, Math.round(width * scale)),
    Math.max(1, Math.round(height * scale)),
  ];
  // A column of pictures is their bytes one after the other.
  const column = sharp(Buffer.concat(cells), {
    raw: { width, height: height * cells.length, channels: 3 },
    limitInputPixels: false,
  });
  const jpeg = await column
    .resize(cellWidth, cellHeight * cells.length, { fit: "fill", kernel: "cubic" })
    .jpeg({ quality: wanted.quality, mozjpeg: false })
    .toBuffer();
  return {
    sprite: jpeg.toString("base64"),
    cells: cells.length,
    width: cellWidth,
    height: cellHeight,
    times: steps.map((index) => Number(times.get(index)!.toFixed(3))),
    complete: steps.map((index) => cellOf.get(index)!),
    absent,
  };
};
