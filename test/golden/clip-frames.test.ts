import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { resizeBicubic } from "../../src/frames/resize.ts";
import type { VideoService } from "../../src/video/service.ts";
import { openDecoder } from "../open-decoder.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

interface GoldenClip {
  readonly file: string;
  readonly unusable?: string;
  readonly streamIndex: number;
  readonly upright: readonly [number, number];
  readonly rotation: number;
  readonly timesSeconds: readonly (number | null)[];
  readonly frames: readonly { readonly index: number; readonly md5: string }[];
}

/** scripts/make-golden/clip-frames.ts, with FFmpeg 5.1. Times agree to 1 ms, pixels byte by byte. */
const golden = JSON.parse(readFileSync(new URL("./expected/clip-frames.json", import.meta.url), "utf8")) as {
  madeBy: string;
  clips: readonly GoldenClip[];
};

/**
 * FFmpeg 8's MS-MPEG4 decoder rounds its transform differently from 5.1's: single values differ by one level, which
 * adds up until the next key frame. Only its times are compared.
 */
const otherPixelsInFfmpeg8 = new Set(["vtest.avi"]);

const md5 = (pixels: Uint8Array): string => createHash("md5").update(pixels).digest("hex");

describe.skipIf(sharedMissing("real clips against ffprobe and ffmpeg")).each(["node-av", "ffmpeg"] as const)(
  "clips through %s",
  (name) => {
    let service: VideoService | undefined;
    beforeAll(async () => {
      service = await openDecoder(name);
    });
    afterAll(async () => service?.close());
    test.for(golden.clips)("$file", async (clip, { skip }) => {
      if (service === undefined) return skip(`decoder ${name} is not installed`);
      const path = sharedFile(`data/clips/${clip.file}`);
      skip(!existsSync(path), "not among the shared clips");
      if (clip.unusable !== undefined) {
        await expect(service.probe(path)).rejects.toThrow(clip.unusable);
        return;
      }
      const info = await service.probe(path);
      expect(info.streamIndex).toBe(clip.streamIndex);
      expect(info.rotation).toBe(clip.rotation);
      expect(info.timeline).toHaveLength(clip.timesSeconds.length);
      const first = clip.timesSeconds.find((time) => time !== null)!;
      clip.timesSeconds.forEach((time, i) => {
        if (time !== null)
          expect(Math.abs(info.timeline[i]!.timeSeconds - (time - first))).toBeLessThan(1e-3);
      });
      for (let i = 1; i < info.timeline.length; i++)
        expect(info.timeline[i]!.timeSeconds).toBeGreaterThan(info.timeline[i - 1]!.timeSeconds);
      const indices = clip.frames.map(({ index }) => index);
      const [width, height] = clip.upright;
      const select = { kind: "indices", indices } as const;
      const stored = await readFrames(service, path, { select, size: { width, height } });
      expect(stored.frames.map(({ index }) => index)).toEqual(indices);
      expect(stored.repeated).toBeUndefined();
      if (name === "ffmpeg" || !otherPixelsInFfmpeg8.has(clip.file))
        clip.frames.forEach((frame, i) => {
          expect([frame.index, md5(pixelsOf(stored, i))]).toEqual([frame.index, frame.md5]);
        });
      if (info.width === width && info.height === height) return;
      const shown = await readFrames(service, path, { select });
      expect([shown.width, shown.height]).toEqual([info.width, info.height]);
      indices.forEach((_, i) => {
        const square = resizeBicubic(pixelsOf(stored, i), width, height, info.width, info.height);
        expect(md5(pixelsOf(shown, i))).toBe(md5(square));
      });
    });
  },
);

test("resizing a picture to its own size changes nothing", () => {
  const rgb = Uint8Array.from({ length: 4 * 3 * 3 }, (_, i) => i * 7);
  expect(resizeBicubic(rgb, 4, 3, 4, 3)).toEqual(rgb);
});
