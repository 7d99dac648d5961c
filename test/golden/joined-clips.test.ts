import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VideoError } from "../../src/core/errors.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import type { FrameRequest } from "../../src/video/request.ts";
import type { VideoService } from "../../src/video/service.ts";
import type { VideoInfo } from "../../src/video/types.ts";
import { openDecoder } from "../open-decoder.ts";
import { makeJoinedClips } from "./joined-clips.ts";

/** Clips as people bring them, through both decoders: the same frames, times and words, and the right ones. */
const haveFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
if (!haveFfmpeg) console.log("\nSKIPPED: joined clips: no ffmpeg program here\n");

const all = { select: { kind: "all" } } as const;

/** What a decoder makes of a file: hashes of all frames and the description, or the error's line. */
type Answer =
  | { readonly info: VideoInfo; readonly hashes: readonly string[]; readonly times: readonly number[] }
  | { readonly error: string };

const answerOf = async (
  service: VideoService,
  path: string,
  request: FrameRequest = all,
): Promise<Answer> => {
  try {
    const info = await service.probe(path);
    const batch = await readFrames(service, path, request);
    const hashes = batch.frames.map((_, i) => createHash("md5").update(pixelsOf(batch, i)).digest("hex"));
    return { info, hashes, times: batch.frames.map(({ timeSeconds }) => timeSeconds as number) };
  } catch (error) {
    if (!(error instanceof VideoError)) throw error;
    return { error: error.message };
  }
};

const twoRates = [
  ...Array.from({ length: 25 }, (_, i) => i / 25),
  ...Array.from({ length: 30 }, (_, i) => 1 + i / 30),
];
const steady = (count: number): number[] => Array.from({ length: count }, (_, i) => i / 25);

/** Clocks that go back: the frames' times, and the parts whose pictures follow one another. */
const backwards: Readonly<Record<string, readonly [times: readonly number[], parts: readonly string[]]>> = {
  "back.ts": [twoRates, ["a.ts", "b.ts"]],
  "same-twice.ts": [steady(50), ["a.ts", "a.ts"]],
  "back-from-100-s.ts": [twoRates, ["late.ts", "b.ts"]],
  "back-from-80000-s.ts": [twoRates, ["far.ts", "b.ts"]],
  "back-twice.ts": [
    [...twoRates, ...steady(25).map((time) => 2 + time)],
    ["a.ts", "b.ts", "a.ts"],
  ],
  "back.mpg": [twoRates, ["a.mpg", "b.mpg"]],
  "back.flv": [twoRates, ["a.flv", "b.flv"]],
  "back.mkv": [twoRates, ["a.mkv", "b.mkv"]],
  "back.ivf": [steady(50), ["a.ivf", "a.ivf"]],
  "back.mp4": [steady(50), ["fragments.mp4", "fragments.mp4"]],
};

/** Files of which no frame can be given, and the words that say why. */
const refused: Readonly<Record<string, RegExp>> = {
  "encrypted.mp4": /no frame can be decoded.*encrypted film \(cenc\)/,
  "scrambled.ts": /no frame can be decoded.*encrypted film \(scrambled/,
  "zeros.mp4": /no frame can be decoded/,
  "zeros-vp9.mp4": /no frame can be decoded/,
  "zeros-mpeg4.mp4": /no frame can be decoded/,
  "zeros-mjpeg.mov": /no frame can be decoded/,
  "secret-without-scheme.mp4": /encrypted film \(unknown scheme\)/,
  "broken-off.mp4": /an MP4 without its index \(moov\).*cut off/,
  "head.mp4": /an init segment without its media segments.*cat init\.mp4/,
  "page.mp4": /a web page/,
  "pointer.mp4": /a pointer of Git LFS.*git lfs pull/,
  "packed.mp4": /a ZIP archive/,
  "nothing-written.mp4": /zeros only/,
  "segment.m4s": /media segment without its init segment.*cat init\.mp4/,
  "segment.webm": /media segment without its init segment.*cat init\.webm/,
  "moving.webp": /animated WebP/,
  "photo.jpg": /a picture/,
};

/** Files that give their frames and say something about them: number of frames, the words. */
const told: Readonly<Record<string, readonly [frames: number, words: RegExp]>> = {
  "sizes.ts": [50, /size changes to 128x96 at frame 25 \(1\.000 s\).*brought to 96x64/],
  "sizes.hevc": [50, /size changes to 128x96 at frame 25/],
  "sizes.h264": [50, /size changes to 128x96 at frame 25/],
  "sizes.mjpg": [50, /size changes to 128x96 at frame 25/],
  "two-ids.ts": [25, /another video stream \(id 0x200,.*carries on where this one \(id 0x100\) ends/],
  "empty-edit.mp4": [25, /edit of length 0/],
  "cover-is-larger.mov": [25, /stream 0 .*single picture: stream 1 is the film/],
  "cover-is-larger.mkv": [25, /stream 1 .*single picture: stream 0 is the film/],
  "two-pictures-are-larger.mkv": [25, /stream 0 .*is 2 pictures: stream 1 is the film/],
  "second-head.flv": [25, /another film \(FLV\) begins at byte \d+: only the first is read/],
  "second-head.wmv": [25, /another film \(ASF\) begins at byte/],
  "second-head.ivf": [25, /another film \(IVF\) begins at byte/],
  "second-head.apng": [25, /another film \(PNG\) begins at byte/],
  "second-head.mp4": [25, /another film \(MP4\) begins at byte/],
  "cropped.mp4": [25, /asks players to crop the picture to 80x48 at 0,16: all of it is shown/],
  "not-cropped.mp4": [25, /^$/],
  "a.mjpg": [25, /25 a second are assumed/],
  "parts.mjpeg": [25, /25 a second are assumed/],
  "apart.mjpg": [25, /25 a second are assumed/],
  "starts-at-0.mp4": [25, /goes back at frame 10 \(0\.400 s\) by 0\.360 s, at frame 20 \(0\.800 s\)/],
  "two-edits.mp4": [25, /edit list has 2 entries, number 2 of length 0/],
  "scrambled-end.ts": [25, /\d+ of \d+ transport packets are scrambled/],
};

const grey = ["grey-png.mov", "grey-alpha.nut", "grey-alpha-16.mov", "two-levels.mov"];

describe.skipIf(!haveFfmpeg)("joined clips", () => {
  let folder: string;
  const services = new Map<string, VideoService | undefined>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "joined-clips-"));
    makeJoinedClips(folder);
    for (const name of ["node-av", "ffmpeg"]) services.set(name, await openDecoder(name, { workers: 1 }));
  }, 240_000);
  afterAll(async () => {
    for (const service of services.values()) await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  /** The answers of every decoder that is installed here. */
  const answers = async (file: string, request?: FrameRequest): Promise<Answer[]> => {
    const path = join(folder, file);
    const given: Answer[] = [];
    for (const service of services.values())
      if (service !== undefined) given.push(await answerOf(service, path, request));
    return given;
  };
  const whole = (answer: Answer): Exclude<Answer, { error: string }> => {
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  };
  const made = (file: string): boolean => existsSync(join(folder, file));

  test.for(Object.entries(backwards))(
    "%s: order of the file, times that go on",
    async ([file, [times, parts]], { skip }) => {
      skip(!made(file), "this ffmpeg has no encoder for it");
      for (const [at, answer] of (await answers(file)).entries()) {
        const { info, hashes } = whole(answer);
        const expected: string[] = [];
        for (const part of parts) expected.push(...whole((await answers(part))[at]!).hashes);
        expect(hashes).toEqual(expected);
        expect(info.timeline).toHaveLength(times.length);
        info.timeline.forEach(({ timeSeconds }, i) => {
          expect(Math.abs(timeSeconds - times[i]!)).toBeLessThan(1.1e-3);
        });
        expect(info.durationSeconds).toBeCloseTo(parts.length, 2);
        expect(info.faults.join()).toMatch(/the clock goes back at frame 25 \(1\.000 s\)/);
        const rate = { select: { kind: "fps", fps: 5 } } as const;
        const sampled = whole((await answers(file, rate))[at]!);
        const positions = sampled.times.map((time) =>
          info.timeline.findIndex((one) => one.timeSeconds === time),
        );
        expect(sampled.hashes).toEqual(positions.map((position) => hashes[position]));
      }
    },
  );
  test.for(Object.entries(refused))("%s: refused by name", async ([file, words], { skip }) => {
    skip(!made(file), "this ffmpeg has no encoder for it");
    for (const answer of await answers(file)) {
      expect(answer).toHaveProperty("error");
      expect((answer as { error: string }).error).toMatch(words);
    }
  });
  test.for(Object.entries(told))("%s: told, not hidden", async ([file, [frames, words]], { skip }) => {
    skip(!made(file), "this ffmpeg has no encoder for it");
    const [first, second] = await answers(file);
    const { info, hashes } = whole(first!);
    expect(hashes).toHaveLength(frames);
    expect(info.faults.join("\n")).toMatch(words);
    if (second !== undefined) {
      expect(whole(second).hashes).toEqual(hashes);
      // One decoder's packets may have to be counted by decoding; what is wrong with the film is the same for both.
      const told = (faults: readonly string[]): string[] =>
        faults.filter((fault) => !/^(frames were counted by decoding|reading ended early)/.test(fault));
      expect(told(whole(second).info.faults)).toEqual(told(info.faults));
    }
  });
  test("fragments that all begin at 0 are those that begin one after another", async ({ skip }) => {
    skip(!made("starts-at-0.mp4"), "this ffmpeg has no encoder for it");
    const plain = await answers("fragments.mp4");
    for (const [at, answer] of (await answers("starts-at-0.mp4")).entries()) {
      expect(whole(answer).hashes).toEqual(whole(plain[at]!).hashes);
      expect(whole(answer).times).toEqual(whole(plain[at]!).times);
    }
  });
  test("a stream that becomes another codec, and one that breaks off, say so", async ({ skip }) => {
    skip(!made("other-codec.ts") || !made("half-zeros.mp4"), "this ffmpeg has no encoder for it");
    for (const answer of await answers("other-codec.ts"))
      expect(whole(answer).info.faults.join("\n")).toMatch(/is MPEG-2 instead of H\.264 from byte \d+ on/);
    for (const answer of await answers("half-zeros.mp4")) {
      const { info } = whole(answer);
      expect(info.timeline.length).toBeLessThan(25);
      expect(info.faults.join("\n")).toContain(`(25 packets gave ${info.timeline.length} pictures)`);
    }
  });
  test.for(["palette.mov", "palette.avi"])(
    "%s: colours without the packets before",
    async (file, { skip }) => {
      skip(!made(file), "this ffmpeg has no encoder for it");
      const one = { select: { kind: "count", count: 1 } } as const;
      for (const [at, answer] of (await answers(file)).entries()) {
        const alone = whole((await answers(file, one))[at]!);
        expect(alone.hashes).toEqual([whole(answer).hashes[12]]);
      }
    },
  );
  test.for(grey)("%s: all levels, whoever resizes", async (file, { skip }) => {
    skip(!made(file), "this ffmpeg has no encoder for it");
    const size = { width: 96, height: 62 };
    const means: number[] = [];
    for (const service of services.values())
      for (const resizer of ["pillow", "zscale"] as const) {
        if (service === undefined) continue;
        const batch = await readFrames(service, join(folder, file), { ...all, size, resizer });
        means.push(batch.pixels.reduce((sum, value) => sum + value, 0) / batch.pixels.length);
      }
    expect(Math.max(...means) - Math.min(...means)).toBeLessThan(0.6);
  });
  const gifs = ["short-delays.gif", "broken-off.gif", "zeros-behind.gif"];
  test.for(gifs)("%s: delays of 10 ms are 100 ms to both", async (file, { skip }) => {
    skip(!made(file), "this ffmpeg writes no GIF");
    for (const answer of await answers(file)) {
      const { info, times } = whole(answer);
      expect(times.map((time) => Math.round(time * 1000))).toEqual(times.map((_, i) => i * 100));
      expect(info.durationSeconds).toBeCloseTo(times.length / 10, 6);
    }
  });
});
