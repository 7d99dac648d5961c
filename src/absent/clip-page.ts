import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import sharp from "sharp";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import type { MadePair } from "./make-pair.ts";
import { mostPictures, pageFrames, strongestKeys, wholeFrames } from "./page-frames.ts";
import { type KeyPicture, pairPage } from "./pair-page.ts";
import { fittedWithin } from "./pair-source.ts";
import { absentStream, neededFrames } from "./twin-frames.ts";
import { shownPicture, viewOfHeld } from "./twin-view.ts";

/** Longest side of the copies inside a page: of a whole clip, and of a selection of a long one. */
const wholePixels = 480;
const selectionPixels = 320;
const picturePixels = 224;
/** Bytes of both copies together; coarser quantisers are tried until they fit or none is left. */
const mostBytes = 24e6;
const quantisers = [24, 30, 36, 42];

/** What writes the copies. */
export type CopyWriter = Pick<VideoService, "write">;

/** The page of a made pair: browser-sized copies of both clips are encoded, embedded and thrown away. */
export const renderPairPage = async (
  made: MadePair,
  video: CopyWriter,
  signal?: AbortSignal,
): Promise<string> => {
  const { source } = made;
  const shown = pageFrames(made);
  const frameTimes = source.timeline.map(({ timeSeconds }) => timeSeconds as number);
  const title = basename(source.clip.file);
  const copies = await encodedCopies(made, shown, video, signal);
  const notes =
    shown.length === frameTimes.length
      ? []
      : [
          `The clip has more than ${wholeFrames} frames, so the players hold ${shown.length} of ${frameTimes.length}, each at its true time: an even spread, and the frames around the strongest key frames.`,
        ];
  return pairPage({
    pair: { ...made.pair, complete: { ...made.pair.complete, file: title } },
    view: made.view,
    ...copies,
    shown,
    frameTimes,
    durationSeconds: Math.max(source.durationSeconds, frameTimes.at(-1) ?? 0),
    pictures: await keyPictures(made, signal),
    relevance: made.relevance,
    title,
    notes,
  });
};

/** Both clips as small MP4 files that hold the frames `shown`. */
const encodedCopies = async (
  { source, view }: MadePair,
  shown: readonly number[],
  video: CopyWriter,
  signal: AbortSignal | undefined,
): Promise<{ complete: Uint8Array; absent: Uint8Array }> => {
  const whole = shown.length === source.timeline.length;
  const size = fittedWithin(source, whole ? wholePixels : selectionPixels);
  const frames = (): AsyncIterable<FrameBatch> => source.frames(shown, size, "zscale", signal);
  const held = new Set(shown);
  const { durationSeconds } = source;
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-page-"));
  try {
    const complete = join(folder, "complete.mp4");
    const absent = join(folder, "absent.mp4");
    for (const crf of quantisers) {
      const common = {
        ...size,
        encode: { crf, gop: 15 },
        ...(durationSeconds > 0 && { endSeconds: durationSeconds }),
      };
      await video.write(complete, { ...common, frames: frames() }, signal);
      const twin = absentStream(frames(), viewOfHeld(view, held));
      await video.write(absent, { ...common, frames: twin }, signal);
      if (statSync(complete).size + statSync(absent).size <= mostBytes) break;
    }
    return { complete: readFileSync(complete), absent: readFileSync(absent) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** JPEGs of the strongest key frames and of what the twin shows there. */
const keyPictures = async (made: MadePair, signal: AbortSignal | undefined): Promise<KeyPicture[]> => {
  const { source, view, pair } = made;
  const keys = strongestKeys(made, mostPictures).map((position) => pair.timeline[position]!.index as number);
  const indices = neededFrames(keys, view);
  if (indices.length === 0) return [];
  const size = fittedWithin(source, picturePixels);
  const raw = { ...size, channels: 3 as const };
  const jpegOf = (pixels: Uint8Array): Promise<Buffer> =>
    sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer();
  const pictures = new Map<number, Uint8Array>();
  for await (const batch of source.frames(indices, size, "pillow", signal))
    for (let at = 0; at < batch.frames.length; at++)
      pictures.set(batch.frames[at]!.index, Uint8Array.from(pixelsOf(batch, at)));
  return Promise.all(
    keys.map(async (index) => {
      const key = await jpegOf(pictures.get(index)!);
      if (!view.changes(index)) return { index, key };
      const frame = view.at(index);
      const shown = shownPicture(frame, pictures.get(frame.source)!, size.width, size.height);
      return { index, key, shown: await jpegOf(shown) };
    }),
  );
};
