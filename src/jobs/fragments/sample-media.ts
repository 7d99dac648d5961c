import { renameSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { makeFolder, sha256, writeFileAtomic } from "../../core/files.ts";
import { frameIndex, seconds } from "../../core/units.ts";
import type { ClipReference } from "../../dataset/sample.ts";
import { type ShownPicture, stillFiles } from "../../fragments/shown-picture.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { VideoService } from "../../video/service.ts";
import { timelineFromTimes } from "../../video/timeline.ts";
import { frameSeconds, picturesFolder } from "./protocol.ts";

/**
 * Writes the pictures of a question; their names say their content. They are on the disk only after `syncFiles`, so what
 * lies there already is written again.
 *
 * @returns paths from the data set's folder
 */
export const writeStills = async (pictures: readonly ShownPicture[], out: string): Promise<string[]> => {
  const files = await stillFiles(pictures);
  makeFolder(join(out, picturesFolder));
  return files.map((bytes) => {
    const name = `${picturesFolder}/${sha256(bytes).slice(0, 32)}.jpg`;
    writeFileAtomic(join(out, name), bytes, false);
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

/** Height of the page's strips. */
const stripHeight = 96;

/** The pictures side by side, small, as base64 of a JPEG. */
export const stripOf = async (pictures: readonly ShownPicture[]): Promise<string> => {
  const tiles = await Promise.all(
    pictures.map(({ pixels, width, height }) =>
      sharp(Buffer.from(pixels), { raw: { width, height, channels: 3 } })
        .resize({ height: stripHeight })
        .raw()
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  let left = 0;
  const layers = tiles.map(({ data, info }) => {
    const layer = {
      input: data,
      raw: { width: info.width, height: info.height, channels: 3 as const },
      left,
      top: 0,
    };
    left += info.width + 4;
    return layer;
  });
  const jpeg = await sharp({
    create: { width: left - 4, height: stripHeight, channels: 3, background: "#fff" },
  })
    .composite(layers)
    .jpeg({ quality: 60 })
    .toBuffer();
  return jpeg.toString("base64");
};
