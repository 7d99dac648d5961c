import { join } from "node:path";
import { VideoPerceiverError } from "../../core/errors.ts";
import type { FrameSource } from "../../frames/read-frames.ts";
import { type PagePictures, type RecordPictures, recordPictures } from "../record-pictures.ts";
import type { ComparedItem } from "./items.ts";

const form: PagePictures = { mostPixels: 96 * 72, leastWidth: 0, quality: 72 };

/** Where a run's clips lie. */
export type ClipPlace = (item: ComparedItem) => string | null;

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
): Promise<ReadonlyMap<string, RecordPictures>> => {
  const looked = items.flatMap((item) => {
    const place = placeOf(item);
    const isLooked = item.answers.some(({ record }) => record.frameIndices.length > 0);
    return place === null || !isLooked ? [] : [{ place, item }];
  });
  const pictures = new Map<string, RecordPictures>();
  for (const [file, found] of [...Map.groupBy(looked, ({ place }) => place)].slice(0, most))
    try {
      const asked = found.map(({ item }) => item);
      const records = asked.flatMap(({ answers }) => answers.map(({ record }) => record));
      const shown = await recordPictures(frames, file, records, form, signal);
      for (const { id } of asked) pictures.set(id, shown);
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
