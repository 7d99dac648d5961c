import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import sharp from "sharp";
import { decideReplacements, pairOf } from "../absent/build-pair.ts";
import type { AbsentBuilder } from "../absent/builders.ts";
import type { Pair } from "../absent/pair.ts";
import { type KeyPicture, pairPage } from "../absent/pair-page.ts";
import { absentStream } from "../absent/twin.ts";
import type { Made } from "../core/registry.ts";
import { type FrameBatch, pixelsOf } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import { type AnalysedClip, pairRecordOf, scoringSize } from "./clip-analysis.ts";
import { mostPictures, pageFrames, strongestKeys, wholeFrames } from "./page-frames.ts";

/** Longest side of the copies inside a page: of a whole clip, and of a selection of a long one. */
const wholePixels = 480;
const selectionPixels = 320;
const picturePixels = 224;
/** Bytes of both copies together; coarser quantisers are tried until they fit or none is left. */
const mostBytes = 24e6;
const quantisers = [24, 30, 36, 42];

/** What a page is made from. */
export interface PairPageInput {
  readonly video: VideoService;
  readonly file: string;
  readonly clip: AnalysedClip;
  readonly caption: string;
  readonly builder: Made<AbsentBuilder>;
  readonly signal: AbortSignal;
}

/** The page of an analysed clip: browser-sized copies of both clips are encoded, embedded and thrown away. */
export const renderPairPage = async (input: PairPageInput): Promise<string> => {
  const { file, clip, builder } = input;
  const { caption } = input;
  const record = pairRecordOf(clip, { file: basename(file), caption, builder, seed: 0 });
  const decision = decideReplacements(record, clip.scores);
  const { pair } = pairOf(record, clip.relevance, clip.scores, decision, () => false);
  const shown = pageFrames(clip, pair.replacements);
  const frameTimes = clip.info.timeline.map(({ timeSeconds }) => timeSeconds as number);
  const copies = await encodedCopies(input, pair, shown);
  const notes =
    shown.length === frameTimes.length
      ? []
      : [
          `The clip has more than ${wholeFrames} frames, so the players hold ${shown.length} of ${frameTimes.length}, each at its true time: an even spread, and the frames around the strongest key frames.`,
        ];
  return pairPage({
    pair,
    ...copies,
    shown,
    frameTimes,
    durationSeconds: Math.max(clip.info.durationSeconds, frameTimes.at(-1) ?? 0),
    pictures: await keyPictures(input, pair),
    unit: clip.unit,
    title: basename(file),
    notes,
  });
};

/** Both clips as small MP4 files that hold the frames `shown`. */
const encodedCopies = async (
  { video, file, clip, builder, signal }: PairPageInput,
  pair: Pair,
  shown: readonly number[],
): Promise<{ complete: Uint8Array; absent: Uint8Array }> => {
  const whole = shown.length === clip.info.timeline.length;
  const size = scoringSize(clip.info, whole ? wholePixels : selectionPixels);
  const select = whole ? ({ kind: "all" } as const) : ({ kind: "indices", indices: shown } as const);
  const frames = (): AsyncIterable<FrameBatch> =>
    video.frames(file, { select, size, resizer: "zscale" }, signal);
  const held = new Set(shown);
  const replacements = pair.replacements.filter(({ index }) => held.has(index));
  const endSeconds = clip.info.durationSeconds;
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-page-"));
  try {
    const complete = join(folder, "complete.mp4");
    const absent = join(folder, "absent.mp4");
    for (const crf of quantisers) {
      const common = { ...size, encode: { crf, gop: 15 }, ...(endSeconds > 0 && { endSeconds }) };
      await video.write(complete, { ...common, frames: frames() }, signal);
      const twin = absentStream(frames(), replacements, builder.value.pixels);
      await video.write(absent, { ...common, frames: twin }, signal);
      if (statSync(complete).size + statSync(absent).size <= mostBytes) break;
    }
    return { complete: readFileSync(complete), absent: readFileSync(absent) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** JPEGs of the strongest key frames and of what the twin shows there. */
const keyPictures = async (
  { video, file, clip, builder, signal }: PairPageInput,
  pair: Pair,
): Promise<KeyPicture[]> => {
  const sources = new Map(pair.replacements.map(({ index, from }) => [index, from]));
  const keys = strongestKeys(clip, mostPictures).map((position) => clip.sampled[position]!.index as number);
  const indices = [...new Set(keys.flatMap((key) => [key, sources.get(key) ?? key]))].sort((a, b) => a - b);
  if (indices.length === 0) return [];
  const size = scoringSize(clip.info, picturePixels);
  const raw = { ...size, channels: 3 as const };
  const jpegOf = (pixels: Uint8Array): Promise<Buffer> =>
    sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer();
  const pictures = new Map<number, Uint8Array>();
  for await (const batch of video.frames(file, { select: { kind: "indices", indices }, size }, signal))
    for (let at = 0; at < batch.frames.length; at++)
      pictures.set(batch.frames[at]!.index, Uint8Array.from(pixelsOf(batch, at)));
  return Promise.all(
    keys.map(async (index) => {
      const from = sources.get(index);
      const key = await jpegOf(pictures.get(index)!);
      if (from === undefined) return { index, key };
      const shown = Uint8Array.from(pictures.get(from)!);
      builder.value.pixels?.(shown, size.width, size.height);
      return { index, key, shown: await jpegOf(shown) };
    }),
  );
};
