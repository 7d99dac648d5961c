import sharp from "sharp";
import { absentBuilders, type PixelOperation } from "../absent/builders.ts";
import { shownPicture } from "../absent/twin-view.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import { type FrameSource, readFrames } from "../frames/read-frames.ts";
import type { EvaluationRecord } from "./records.ts";

/** How large pictures on a page are. */
export interface PagePictures {
  readonly mostPixels: number;
  /** Narrower ones are enlarged as they are, without smoothing; 0: none is. */
  readonly leastWidth: number;
  /** Of the JPEGs. */
  readonly quality: number;
}

/** Pictures of one clip as data URIs: its frames, and those that a twin's builder painted. */
export interface RecordPictures {
  readonly images: readonly string[];
  /** Which image stood at a position of a record, painted where it was; undefined: a blank one, or another clip's. */
  at(record: EvaluationRecord, position: number): number | undefined;
}

/** What a twin's builder does to pictures; undefined: nothing. */
const operationOf = async ({ painted }: EvaluationRecord): Promise<PixelOperation | undefined> =>
  painted && (await absentBuilders.make(painted.by.name, painted.by.params)).value.pixels;

const isPainted = ({ painted }: EvaluationRecord, position: number): boolean =>
  painted?.positions.includes(position) === true;

const paintedKey = ({ painted }: EvaluationRecord, frame: number): string =>
  JSON.stringify([painted!.by, frame]);

const encoded = async (
  pixels: Uint8Array,
  width: number,
  height: number,
  { leastWidth, quality }: PagePictures,
): Promise<string> => {
  let picture = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (width < leastWidth)
    picture = picture.resize(leastWidth, Math.round((leastWidth * height) / width), { kernel: "nearest" });
  const isSmall = width * height <= leastWidth ** 2;
  const bytes = await (isSmall ? picture.png() : picture.jpeg({ quality })).toBuffer();
  return `data:image/${isSmall ? "png" : "jpeg"};base64,${bytes.toString("base64")}`;
};

/**
 * Pictures of everything that records show or could show of one clip, decoded once.
 *
 * @throws {VideoError} when the clip cannot be read
 */
export const recordPictures = async (
  source: FrameSource,
  file: string,
  records: readonly EvaluationRecord[],
  form: PagePictures,
  signal: AbortSignal,
): Promise<RecordPictures> => {
  const shown = records.flatMap(({ frameIndices, shownFrames, shownVideoId }) => [
    ...frameIndices,
    ...(shownVideoId === null ? shownFrames.filter((frame) => frame !== null) : []),
  ]);
  const indices = [...new Set(shown)].sort((a, b) => a - b);
  const size = { minPixels: 1, maxPixels: form.mostPixels };
  const frames = await readFrames(source, file, { select: { kind: "indices", indices }, size }, signal);
  const { width, height } = frames;
  const places = new Map(frames.frames.map(({ index }, position) => [index as number, position]));
  const pictures = frames.frames.map((_, position) => pixelsOf(frames, position));
  const painted = new Map<string, number>();
  for (const record of records) {
    if (record.shownVideoId !== null || record.painted === undefined) continue;
    const pixels = (await operationOf(record)) ?? null;
    for (const t of record.painted.positions) {
      const frame = record.shownFrames[t];
      if (typeof frame !== "number" || painted.has(paintedKey(record, frame))) continue;
      const changed = shownPicture({ source: frame, pixels }, pictures[places.get(frame)!]!, width, height);
      painted.set(paintedKey(record, frame), pictures.push(changed) - 1);
    }
  }
  return {
    images: await Promise.all(pictures.map((pixels) => encoded(pixels, width, height, form))),
    at: (record, position) => {
      const frame = record.shownFrames[position];
      if (typeof frame !== "number" || record.shownVideoId !== null) return undefined;
      return isPainted(record, position) ? painted.get(paintedKey(record, frame)) : places.get(frame);
    },
  };
};
