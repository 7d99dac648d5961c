import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeOddClips } from "../../scripts/odd-clips.ts";
import { checkedPair } from "../../src/absent/pair.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { chromiumMissing, openChromium } from "./chromium.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const noFfmpeg = spawnSync("ffmpeg", ["-version"]).status !== 0;
if (noFfmpeg) console.log("\nSKIPPED: written pairs in a browser: no ffmpeg to make the clips\n");

/** Source and the size that the written clips must have. */
const cases: [string, number, number][] = [
  ["odd-size-444.mp4", 322, 242],
  ["odd-size-vp9.webm", 162, 98],
  ["rotated-90.mp4", 180, 320],
  ["rotated-180.mov", 320, 180],
  ["variable-rate.mp4", 320, 240],
  ["gap-of-two-seconds.mkv", 320, 240],
  ["hevc-10-bit.mp4", 320, 240],
  ["av1-10-bit.mkv", 160, 120],
  ["three-frames.webm", 160, 120],
  ["240-fps.mp4", 320, 180],
];

/**
 * Loads both files, seeks both into each frame and tells how far their pictures are apart there (sum of differences).
 * `seeked` comes when the picture is decoded; it is handed to the compositor by a task of its own, so what is drawn at
 * `seeked` can still be the picture before. The picture's own time (`mediaTime`) says which one is drawn.
 */
const playBoth = `async ({ complete, absent, frames }) => {
  const load = (source) => new Promise((done, fail) => {
    const player = document.createElement("video");
    player.muted = true;
    player.onloadeddata = () => done(player);
    player.onerror = () => fail(new Error(player.error.message));
    player.src = source;
  });
  const players = [await load(complete), await load(absent)];
  const pictureAt = (player, { start, seek }) => new Promise((done, fail) => {
    player.onerror = () => fail(new Error(player.error.message));
    let [sought, drawn] = [false, false];
    let shown = Number.NaN;
    const shownTimes = [];
    const finish = () => {
      if (drawn || !sought || !(Math.abs(shown - start) < 1e-3)) return;
      drawn = true;
      clearTimeout(late);
      const canvas = new OffscreenCanvas(player.videoWidth, player.videoHeight);
      const context = canvas.getContext("2d");
      context.drawImage(player, 0, 0);
      done({ time: player.currentTime, data: context.getImageData(0, 0, canvas.width, canvas.height).data });
    };
    const presented = (now, { mediaTime }) => {
      shown = mediaTime;
      shownTimes.push(mediaTime);
      finish();
      if (!drawn) player.requestVideoFrameCallback(presented);
    };
    const late = setTimeout(
      () => fail(new Error("sought the frame at " + start + " s, shown were " + shownTimes.join(", "))),
      10000,
    );
    player.onseeked = () => {
      sought = true;
      finish();
    };
    player.requestVideoFrameCallback(presented);
    player.currentTime = seek;
  });
  const differences = [];
  const offs = [];
  for (const frame of frames) {
    const [a, b] = [await pictureAt(players[0], frame), await pictureAt(players[1], frame)];
    offs.push(Math.max(Math.abs(a.time - frame.seek), Math.abs(b.time - frame.seek)));
    differences.push(a.data.reduce((sum, value, at) => sum + Math.abs(value - b.data[at]), 0));
  }
  return {
    differences,
    off: Math.max(...offs),
    sizes: players.map((player) => [player.videoWidth, player.videoHeight]),
    durations: players.map((player) => player.duration),
  };
}`;

/** A hash of every decoded frame's pixels. */
const framePrints = async (video: VideoService, file: string): Promise<string[]> => {
  const prints: string[] = [];
  for await (const batch of video.frames(file, { select: { kind: "all" } }))
    for (let at = 0; at < batch.frames.length; at++)
      prints.push(createHash("sha1").update(pixelsOf(batch, at)).digest("hex"));
  return prints;
};

describe.skipIf(chromiumMissing("written pairs in a browser") || noFfmpeg)(
  "written pairs in a browser",
  () => {
    let folder: string;
    let browser: Browser;
    let video: VideoService;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "written-clips-"));
      video = openVideoService({ workers: 1 });
      browser = await openChromium();
    });
    afterAll(async () => {
      await browser?.close();
      await video?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it.each(cases)("%s: both play, seek, and differ exactly where declared", async (name, width, height) => {
      const [source] = makeOddClips(folder, [name]) as [string];
      const out = join(folder, `pair-${name}`);
      const args = ["absent", source, "--caption", "Something moves.", "--builder", "previous-frame"];
      args.push("--no-cache", "--out", out);
      expect(spawnSync(process.execPath, [program, ...args]).status).toBe(0);
      const pair = checkedPair(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")), out);
      const info = await video.probe(source);
      const frames = info.timeline.map(({ timeSeconds }) => timeSeconds as number);
      const declared = new Set(pair.replacements.map(({ index }) => index));
      const middle = (index: number): number => {
        const end = frames[index + 1] ?? Math.max(info.durationSeconds, frames[index]! + 0.002);
        return (frames[index]! + end) / 2;
      };
      const untouched = frames.map((_, index) => index).filter((index) => !declared.has(index));
      const chosen = [
        ...[...declared].slice(0, 4),
        ...untouched.filter((_, at) => at % Math.ceil(untouched.length / 4) === 0),
      ];
      expect(declared.size).toBeGreaterThan(0);
      const prints = [
        await framePrints(video, join(out, "complete.mp4")),
        await framePrints(video, join(out, "absent.mp4")),
      ];
      const apart = prints[0]!.flatMap((print, index) => (print === prints[1]![index] ? [] : [index]));
      expect(apart, "frames that decode to different pixels").toEqual([...declared]);

      const uri = (file: string): string =>
        `data:video/mp4;base64,${readFileSync(join(out, file)).toString("base64")}`;
      const tab = await browser.newPage();
      const request = {
        complete: uri("complete.mp4"),
        absent: uri("absent.mp4"),
        frames: chosen.map((index) => ({ start: frames[index]!, seek: middle(index) })),
      };
      const seen = (await tab.evaluate(`(${playBoth})(${JSON.stringify(request)})`)) as {
        differences: number[];
        off: number;
        sizes: number[][];
        durations: number[];
      };
      await tab.close();
      expect(seen.sizes).toEqual([
        [width, height],
        [width, height],
      ]);
      expect(seen.off).toBeLessThan(1e-3);
      for (const duration of seen.durations)
        expect(Math.abs(duration - Math.max(info.durationSeconds, frames.at(-1)!))).toBeLessThan(0.05);
      chosen.forEach((index, at) => {
        expect(seen.differences[at]! > 0, `frame ${index}`).toBe(declared.has(index));
      });
    });
  },
);
