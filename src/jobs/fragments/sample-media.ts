import { renameSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { makeFolder, sha256, writeFileByContent } from "../../core/files.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import type { ClipReference } from "../../dataset/sample.ts";
import { type ShownPicture, stillFiles } from "../../fragments/shown-picture.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { VideoService } from "../../video/service.ts";
import { timelineFromTimes } from "../../video/timeline.ts";
import { frameSeconds, picturesFolder } from "./protocol.ts";

/**
 * Writes the pictures of a question; their names say their content. They are on the disk only after `syncFiles`, so what
 * lies there already is written again: whole or not at all, since another clip that is done may show the same picture. A new
 * one that a kill cuts short is no clip's that is done, and written again with its own.
 *
 * @returns paths from the data set's folder
 */
export const writeStills = async (
  pictures: readonly ShownPicture[],
  out: string,
  take: (bytes: number) => Uint8Array,
): Promise<string[]> => {
  const files = await stillFiles(pictures, take);
  makeFolder(join(out, picturesFolder));
  return files.map((bytes) => {
    const name = `${picturesFolder}/${sha256(bytes).slice(0, 32)}.jpg`;
    writeFileByContent(join(out, name), bytes);
    return name;
  });
};

/**
 * Writes the pictures of a question as a short clip: one frame each at the times of their places, every one a key packet,
 * so that none hangs on another. A picture that stands there twice in a row lasts twice as long.
 */
export const writeShortClip = async (
  pictures: readonly ShownPicture[],
  out: string,
  unique: string,
  video: VideoService,
  signal: AbortSignal,
): Promise<ClipReference> => {
  const { width, height } = pictures[0]!;
  const times = pictures.map((_, at) => at * frameSeconds);
  const batch: FrameBatch = {
    pixels: Buffer.concat(pictures.map(({ pixels }) => pixels)),
    frames: times.map((time, at) => ({ index: frameIndex(at), timeSeconds: seconds(time) })),
    width,
    height,
  };
  const temporary = join(out, "clips", `.${unique}.mp4`);
  const endSeconds = pictures.length * frameSeconds;
  const made = await video.write(
    temporary,
    { width, height, frames: [batch], endSeconds, encode: { gop: 1, crf: 18 } },
    signal,
  );
  const file = `clips/${made.sha256}.mp4`;
  renameSync(temporary, join(out, file));
  return { file, sha256: made.sha256, timeline: timelineFromTimes(times), durationSeconds: endSeconds };
};

/** Height of the page's strips, and the gap between their pictures at that height. */
const [stripHeight, stripGap] = [96, 4];

/** The pictures, all of one size, side by side and small, as base64 of a JPEG. */
export const stripOf = async (pictures: readonly ShownPicture[]): Promise<string> => {
  const { width, height } = pictures[0]!;
  const gap = Math.round((stripGap * height) / stripHeight);
  const across = pictures.length * (width + gap) - gap;
  const strip = new Uint8Array(across * height * 3).fill(255);
  for (const [at, { pixels }] of pictures.entries())
    for (let y = 0; y < height; y++)
      strip.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), (y * across + at * (width + gap)) * 3);
  const jpeg = await sharp(strip, { raw: { width: across, height, channels: 3 } })
    .resize({ height: stripHeight })
    .jpeg({ quality: 60 })
    .toBuffer();
  return jpeg.toString("base64");
};
