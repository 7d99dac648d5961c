import { join } from "node:path";
import sharp from "sharp";
import { VideoPerceiverError } from "../../core/errors.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { type FrameSource, readFrames } from "../../frames/read-frames.ts";
import type { ComparedItem } from "./items.ts";

/** Small pictures of the frames that were shown of a clip, as data URIs by frame. */
export type ItemPictures = ReadonlyMap<number, string>;

const mostPixels = 96 * 72;

/** Where a run's clips lie. */
export type ClipPlace = (item: ComparedItem) => string | null;

const picturesOf = async (
  frames: FrameSource,
  file: string,
  items: readonly ComparedItem[],
  signal: AbortSignal,
): Promise<ItemPictures> => {
  const shown = items.flatMap(({ answers }) =>
    answers.flatMap(({ record }): readonly (number | null)[] =>
      record.shownVideoId === null ? [...record.shownFrames, ...record.frameIndices] : record.frameIndices,
    ),
  );
  const indices = [...new Set(shown)].filter((frame) => frame !== null).sort((a, b) => a - b);
  const size = { minPixels: 1, maxPixels: mostPixels };
  const batch = await readFrames(frames, file, { select: { kind: "indices", indices }, size }, signal);
  const { width, height } = batch;
  const found = new Map<number, string>();
  for (const [position, { index }] of batch.frames.entries()) {
    const raw = { width, height, channels: 3 } as const;
    const bytes = await sharp(pixelsOf(batch, position), { raw }).jpeg({ quality: 72 }).toBuffer();
    found.set(index, `data:image/jpeg;base64,${bytes.toString("base64")}`);
  }
  return found;
};

/**
 * Pictures of the first questions' clips; a clip that cannot be read has none.
 *
 * @param most clips at most: pictures make a page heavy
 */
export const itemPictures = async (
  items: readonly ComparedItem[],
  placeOf: ClipPlace,
  frames: FrameSource,
  most: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ItemPictures>> => {
  const byFile = new Map<string, ComparedItem[]>();
  for (const item of items) {
    const place = placeOf(item);
    const looked = item.answers.some(({ record }) => record.frameIndices.length > 0);
    if (place === null || !looked || (byFile.size >= most && !byFile.has(place))) continue;
    byFile.set(place, [...(byFile.get(place) ?? []), item]);
  }
  const pictures = new Map<string, ItemPictures>();
  for (const [file, asked] of byFile)
    try {
      const found = await picturesOf(frames, file, asked, signal);
      for (const { id } of asked) pictures.set(id, found);
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
    }
  return pictures;
};

/** The clip of a question, from what its records say and the folder that its run's clips lie in. */
export const clipPlace =
  (folderOf: (run: string) => string | null): ClipPlace =>
  ({ answers }) => {
    for (const { run, record } of answers) {
      const folder = folderOf(run);
      if (folder !== null && record.clipFile !== undefined) return join(folder, record.clipFile);
    }
    return null;
  };
