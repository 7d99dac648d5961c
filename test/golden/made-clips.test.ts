import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ReferenceFrames, referenceFrames } from "../../scripts/make-golden/reference-frames.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import type { VideoService } from "../../src/video/service.ts";
import { openDecoder } from "../open-decoder.ts";
import { madeClipNames, makeClips } from "./made-clips.ts";

/**
 * Clips of every kind, made here and now: both decoders give ffprobe's times (to 1 ms) and ffmpeg's pixels (bit for
 * bit), in a linear pass and by seeking.
 */
const haveFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
if (!haveFfmpeg) console.log("\nSKIPPED: made clips against ffmpeg: no ffmpeg program here\n");

/** MXF carries only decoding times, from which ffprobe guesses times with gaps: frames a second that were encoded. */
const trueRates: Readonly<Record<string, number>> = { "h264-b-frames.mxf": 25 };

const md5 = (pixels: Uint8Array): string => createHash("md5").update(pixels).digest("hex");

describe.skipIf(!haveFfmpeg)("made clips", () => {
  let folder: string;
  const references = new Map<string, ReferenceFrames | undefined>();
  const services = new Map<string, VideoService | undefined>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "made-clips-"));
    makeClips(folder);
    for (const name of ["node-av", "ffmpeg"]) services.set(name, await openDecoder(name, { workers: 1 }));
  }, 240_000);
  afterAll(async () => {
    for (const service of services.values()) await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.for(madeClipNames.flatMap((file) => ["node-av", "ffmpeg"].map((decoder) => [file, decoder] as const)))(
    "%s through %s",
    async ([file, decoder], { skip }) => {
      const path = join(folder, file);
      skip(!existsSync(path), "this ffmpeg has no encoder for it");
      const service = services.get(decoder);
      if (service === undefined) return skip(`decoder ${decoder} is not installed`);
      if (!references.has(file)) references.set(file, referenceFrames(path));
      const reference = references.get(file);
      if (reference === undefined) {
        await expect(service.probe(path)).rejects.toThrow("no video stream");
        return;
      }
      const { upright } = reference;
      const rate = trueRates[file];
      const timesSeconds = reference.timesSeconds.map((time, i) => (rate === undefined ? time : i / rate));
      const info = await service.probe(path);
      expect([info.streamIndex, info.rotation]).toEqual([reference.streamIndex, reference.rotation]);
      expect(info.timeline).toHaveLength(timesSeconds.length);
      const first = timesSeconds.find((time) => time !== null)!;
      timesSeconds.forEach((time, i) => {
        if (time !== null)
          expect(Math.abs(info.timeline[i]!.timeSeconds - (time - first))).toBeLessThan(1e-3);
      });
      const size = { width: upright[0], height: upright[1] };
      const all = await readFrames(service, path, { select: { kind: "all" }, size });
      expect(all.repeated).toBeUndefined();
      expect(all.frames.map((_, i) => md5(pixelsOf(all, i)))).toEqual(reference.md5);
      const last = all.frames.length - 1;
      for (const indices of [[last], [last >> 1], [...new Set([0, last >> 1, last])]]) {
        const some = await readFrames(service, path, { select: { kind: "indices", indices }, size });
        const hashes = some.frames.map((_, i) => md5(pixelsOf(some, i)));
        expect(hashes).toEqual(indices.map((index) => reference.md5[index]));
      }
    },
  );
});
