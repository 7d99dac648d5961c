import { spawnSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { VideoError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { openVideoService } from "../../src/video/service.ts";
import type { RawFrames } from "../../src/video/types.ts";

const [width, height, fps, length] = [1920, 1080, 30, 60];
const margin = 640;
const grains = 4;

/** 60 s of 1080p, H.264 with B-frames, groups of at most 250. */
export const minuteClip = (cache: string): string => join(cache, "decode-60s-1080p.mp4");

/** The minute twenty times over, packets copied. */
export const longClip = (cache: string): string => join(cache, "decode-20min-1080p.mp4");

/** A ground that pans under changing grain: nothing in it is free to predict, nothing is a still. */
const pictures = function* (): Generator<RawFrames> {
  const random = seededRandom("decode bench");
  const wide = width + margin;
  const grounds = Array.from({ length: grains }, () => {
    const ground = new Uint8Array(wide * height * 3);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < wide; x++, at += 3) {
        const level = 120 + 50 * Math.sin(x / 23 + y / 61) + 40 * Math.sin(x / 7 - y / 11);
        const grain = random.integer(10);
        ground[at] = level + grain;
        ground[at + 1] = level * 0.8 + grain;
        ground[at + 2] = 200 - level * 0.6 + grain;
      }
    return ground;
  });
  for (let frame = 0; frame < fps * length; frame++) {
    const pixels = new Uint8Array(width * height * 3);
    const pan = Math.round((margin / 2) * (1 + Math.sin(frame / 50)));
    for (let y = 0; y < height; y++) {
      const ground = grounds[(frame * 7 + (y >> 4) * 3) % grains]!;
      const from = (y * wide + pan) * 3;
      pixels.set(ground.subarray(from, from + width * 3), y * width * 3);
    }
    const frames = [{ index: frameIndex(frame), timeSeconds: seconds(frame / fps) }];
    yield { pixels, width, height, frames };
  }
};

/** Makes the minute if it is not there yet (about two minutes of work). */
export const makeMinuteClip = async (cache: string): Promise<void> => {
  if (existsSync(minuteClip(cache))) return;
  await using service = openVideoService();
  const encode = { preset: "fast", crf: 27, gop: 250 } as const;
  await service.write(minuteClip(cache), { width, height, frames: pictures(), encode });
};

/** Makes the long clip with PyAV if it is not there yet. */
export const makeLongClip = async (root: string, cache: string, python: string): Promise<void> => {
  if (existsSync(longClip(cache))) return;
  await makeMinuteClip(cache);
  const script = join(root, "scripts/anchors/decode_frames.py");
  const unfinished = `${longClip(cache)}.unfinished.mp4`;
  const { status, stderr } = spawnSync(python, [script, "loop", minuteClip(cache), "20", unfinished]);
  if (status !== 0) throw new VideoError("the long clip cannot be made", { got: stderr.toString().trim() });
  renameSync(unfinished, longClip(cache));
};
