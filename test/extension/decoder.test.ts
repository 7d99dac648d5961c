import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readFrames } from "../../src/frames/read-frames.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
import { defineDecoder, videoDecoders, z } from "../../src/public/plugins.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import type { DecoderIdentity } from "../../src/video/types.ts";
import { pluginFile, runCommand } from "./run-command.ts";

const [width, height] = [48, 32];
const timesSeconds = [0, 0.1, 0.25, 0.3, 0.45, 0.5, 0.65, 0.7, 0.8, 0.9];
const [red, flash] = [[220, 20, 20], 6];
const plugin = ["--plugin", pluginFile("flipbook.ts")];
const decoder = ["--decoder", "flipbook"];
let folder: string;
let clip: string;

/** Grey page by page, but for one. */
const page = (at: number): Uint8Array => {
  const pixels = new Uint8Array(width * height * 3).fill(60 + 10 * at);
  if (at === flash) for (let i = 0; i < pixels.length; i += 3) pixels.set(red, i);
  return pixels;
};

beforeAll(async () => {
  await loadPlugin(pluginFile("flipbook.ts"));
  folder = mkdtempSync(join(tmpdir(), "decoder-plugin-"));
  clip = join(folder, "clip.flip");
  const cover = `flipbook ${JSON.stringify({ width, height, timesSeconds })}\n`;
  writeFileSync(clip, Buffer.concat([Buffer.from(cover), ...timesSeconds.map((_, at) => page(at))]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hash = (pixels: Uint8Array): string => createHash("sha256").update(pixels).digest("hex");
const opened = (decoder: string): VideoService => openVideoService({ decoder, workers: 1 });

test("a decoder in one file gives the frames, the times and the pictures of its format", () => {
  const ended = runCommand("frames", clip, "--all", ...plugin, ...decoder, "--json", "--no-cache");
  expect([ended.status, ended.stderr]).toEqual([0, "frames: 10/10 frames\n"]);
  const list = JSON.parse(ended.stdout) as { readonly decoder: DecoderIdentity; readonly frames: unknown };
  expect(list.decoder.name).toBe("flipbook");
  expect(list.frames).toEqual(
    timesSeconds.map((timeSeconds, index) => ({
      index,
      timeSeconds,
      width,
      height,
      rgbSha256: hash(page(index)),
    })),
  );
});

test("its parameters reach the worker and are part of its version, by which frames are kept", async () => {
  await using plain = opened("flipbook");
  await using brighter = opened("flipbook:brighter=7");
  const { pixels } = await readFrames(brighter, clip, { select: { kind: "count", count: 10 } });
  const wanted = timesSeconds.flatMap((_, at) => [...page(at).map((level) => Math.min(255, level + 7))]);
  expect(hash(pixels)).toBe(hash(Uint8Array.from(wanted)));
  const [one, other] = [await plain.decoder(), await brighter.decoder()];
  expect([one.name, other.name]).toEqual(["flipbook", "flipbook"]);
  expect(one.version).not.toBe(other.version);
  const request = { select: { kind: "all" }, size: { width: 24, height: 16 } } as const;
  // What it does not do by FFmpeg's filters is done without them.
  const small = await readFrames(plain, clip, request);
  expect([small.width, small.height]).toEqual([24, 16]);
  expect(await readFrames(plain, clip, { ...request, resizer: "zscale" })).toEqual(small);
});

test("a pair is made of its clips", async () => {
  const out = join(folder, "pair");
  const reddest = ["--plugin", pluginFile("reddest.ts"), "--relevance", "reddest", "--fps", "all"];
  const how = [...reddest, "--builder", "previous-frame", "--caption", "A red light flashes.", "--no-cache"];
  const ended = runCommand("absent", clip, ...how, ...plugin, ...decoder, "--out", out);
  expect([ended.status, ended.stderr]).toEqual([0, "clip.flip: 10/10 frames  scored\n"]);
  const { replacements } = JSON.parse(readFileSync(join(out, "pair.json"), "utf8")) as {
    readonly replacements: unknown;
  };
  expect(replacements).toEqual([{ index: flash, from: flash - 1 }]);
  await using video = openVideoService({ workers: 1 });
  const rednessIn = async (file: string): Promise<number[]> => {
    const { pixels, frames } = await readFrames(video, join(out, file), { select: { kind: "all" } });
    expect(frames.map(({ timeSeconds }) => timeSeconds)).toEqual(timesSeconds);
    return frames.map((_, at) => pixels[at * width * height * 3]! - pixels[at * width * height * 3 + 1]!);
  };
  expect((await rednessIn("complete.mp4"))[flash]).toBeGreaterThan(150);
  for (const redness of await rednessIn("absent.mp4")) expect(redness).toBeLessThan(20);
});

test("what cannot be chosen is one line", async () => {
  const ended = runCommand("frames", clip, "--all", ...plugin, "--decoder", "flipbok");
  expect([ended.status, ended.stderr.split("\n").length]).toEqual([2, 2]);
  expect(ended.stderr).toMatch(/^unknown decoder "flipbok"; did you mean "flipbook"\? known: auto, /);
  await using video = opened("flipbook:darker=2");
  await expect(video.probe(clip)).rejects.toThrow(/^bad parameters for decoder "flipbook"; got "darker"; /);
});

test("what is known to one process only is refused before a worker is started", async () => {
  videoDecoders.add(
    "by-hand",
    defineDecoder({ ...(await videoDecoders.load("ffmpeg")), params: z.object({}) }),
  );
  await using video = openVideoService({ decoder: "by-hand" });
  await expect(video.probe(clip)).rejects.toThrow(
    'the decoder "by-hand" is known to this process only, and another has to load it; expected a plug-in of a file',
  );
});
