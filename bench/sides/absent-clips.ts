import { existsSync, linkSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../src/core/random.ts";
import type { FrameBatch } from "../../src/frames/frame-batch.ts";
import { openVideoService } from "../../src/video/service.ts";

const count = 6;
const framesPerClip = 180;
const width = 640;
const height = 360;

/** Where the clips of the pair benchmarks lie. */
export const absentClipFiles = (cache: string): string[] =>
  Array.from({ length: count }, (_, at) => join(cache, `absent-clip-${at}.mp4`));

/** Six clips of 6 s, 640x360, 30 fps: a textured ground that pans, a box that drifts, another that flashes. */
const pictures = function* (clip: number): Generator<FrameBatch> {
  const random = seededRandom("absent bench", clip);
  const ground = Uint8Array.from(
    { length: (width + 200) * height },
    (_, at) =>
      90 + 50 * Math.sin(at / 37) + 30 * Math.sin(Math.floor(at / (width + 200)) / 9) + random.integer(14),
  );
  const flash = 40 + random.integer(100);
  for (let frame = 0; frame < framesPerClip; frame++) {
    const pixels = new Uint8Array(width * height * 3);
    const pan = Math.round(60 + 40 * Math.sin(frame / 40 + clip));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const level = ground[y * (width + 200) + x + pan]!;
        const drifting = Math.abs(x - 100 - 2 * frame) < 40 && Math.abs(y - 120) < 40;
        const flashing =
          frame >= flash && frame < flash + 8 && Math.abs(x - 420) < 60 && Math.abs(y - 230) < 60;
        const at = (y * width + x) * 3;
        pixels[at] = flashing ? 235 : drifting ? 60 : level;
        pixels[at + 1] = drifting ? 150 : level;
        pixels[at + 2] = flashing ? 40 : level;
      }
    const frames = [{ index: frame, timeSeconds: frame / 30 }] as unknown as FrameBatch["frames"];
    yield { pixels, width, height, frames };
  }
};

/** Makes the clips that are not there yet. */
export const makeAbsentClips = async (cache: string): Promise<void> => {
  const missing = absentClipFiles(cache).flatMap((file, clip) => (existsSync(file) ? [] : [{ file, clip }]));
  if (missing.length === 0) return;
  await using video = openVideoService();
  for (const { file, clip } of missing) await video.write(file, { width, height, frames: pictures(clip) });
};

const copiesOf = (cache: string, copies: number): { readonly file: string; readonly copy: string }[] =>
  absentClipFiles(cache).flatMap((file) =>
    Array.from({ length: copies }, (_, at) => ({ file, copy: file.replace(/\.mp4$/, `-copy-${at}.mp4`) })),
  );

/** Where each of the clips lies so many times: starting workers is part of what they are for, and should not be most of it. */
export const absentClipCopies = (cache: string, copies: number): string[] =>
  copiesOf(cache, copies).map(({ copy }) => copy);

/** Makes clips and copies that are not there yet. */
export const makeAbsentClipCopies = async (cache: string, copies: number): Promise<void> => {
  await makeAbsentClips(cache);
  for (const { file, copy } of copiesOf(cache, copies)) if (!existsSync(copy)) linkSync(file, copy);
};
