import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeOddClips } from "../../scripts/odd-clips.ts";
import { checkPair, type PairCheck } from "../../scripts/pair-soundness.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

// All shared clips and all odd ones with both decoders: node scripts/check-pairs.ts, and with --odd.
const noFfmpeg = spawnSync("ffmpeg", ["-version"]).status !== 0;
if (noFfmpeg) console.log("\nSKIPPED: pairs checked by ffmpeg: no ffmpeg on this machine\n");

/** Variable rate, odd size, rotation, alpha, 10 bit, GIF, few frames, Theora. */
const realClips = [
  "asl_brother.mkv",
  "hummingbird_count.gif",
  "keyboard_rot90.mov",
  "transparent_dot.webm",
  "testsrc_h264_10bit.mp4",
  "frames_h265.mp4",
  "DualDiscs.mov",
  "lego_theora.ogv",
];
const oddClips = ["odd-size-444.mp4", "edit-list.mp4", "alpha.apng", "240-fps.mp4", "late-start.mkv"];

/** Of each list, the ffmpeg program gets only the first few: it takes longer. */
describe.skipIf(noFfmpeg).each([
  ["node-av", realClips.length],
  ["ffmpeg", 2],
] as const)("pairs by %s", (decoder, most) => {
  let folder: string;
  let video: VideoService;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "absent-clips-"));
    video = openVideoService({ decoder });
  });
  afterAll(async () => {
    await video?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  const check = (file: string, ...args: string[]): Promise<PairCheck> =>
    checkPair({
      video,
      decoder,
      file,
      folder: join(folder, "pair"),
      args: ["--builder", "previous-frame", ...args],
    });

  describe.skipIf(sharedMissing(`pairs of real clips by ${decoder}`))("of real clips", () => {
    it.each(realClips.slice(0, most))("%s is sound", async (name) => {
      const { faults, declared } = await check(sharedFile(`data/clips/${name}`));
      expect(faults).toEqual([]);
      expect(declared).toBeGreaterThan(0);
    });
  });

  it.each(oddClips.slice(0, most))("%s, made here, is sound", async (name) => {
    const { faults, declared } = await check(makeOddClips(folder, [name])[0]!);
    expect(faults).toEqual([]);
    expect(declared).toBeGreaterThan(0);
  });

  it.each(
    (
      [
        ["a picture that never changes", "still.mp4", []],
        ["one frame", "one-frame.mp4", []],
        ["no key frame", "two-frames.mp4", ["--floor", "1000000"]],
        [
          "a key frame without one before it",
          "late-start.mkv",
          ["--relevance", "events:0-0.04", "--fps", "all"],
        ],
      ] as [string, string, string[]][]
    ).slice(0, most),
  )("%s: both clips are written, nothing is declared", async (_, name, args) => {
    const { faults, declared } = await check(makeOddClips(folder, [name])[0]!, ...args);
    expect(faults).toEqual([]);
    expect(declared).toBe(0);
  });
});
