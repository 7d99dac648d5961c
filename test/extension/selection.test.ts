import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkedPair } from "../../src/absent/pair.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { openVideoService } from "../../src/video/service.ts";
import { pluginFile, runCommand } from "./run-command.ts";

const [width, height, count] = [48, 48, 30];
const caption = ["--caption", "A red square flashes."];
const reddest = ["--plugin", pluginFile("reddest.ts"), "--relevance", "reddest:2"];
let folder: string;
let clip: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "selection-plugins-"));
  clip = join(folder, "clip.mp4");
  const pixels = new Uint8Array(count * width * height * 3);
  for (let t = 0; t < count; t++)
    for (let at = 0; at < width * height; at++)
      pixels.set(t === 18 ? [220, 20, 20] : [60 + t, 60 + t, 60 + t], (t * width * height + at) * 3);
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / 10),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(clip, { width, height, frames: [{ pixels, width, height, frames }] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a relevance provider in one file finds the key frame and makes the pair", () => {
  const out = join(folder, "pair");
  const args = ["absent", clip, ...caption, ...reddest, "--builder", "previous-frame", "--fps", "all"];
  const ended = runCommand(...args, "--virtual", "--no-cache", "--out", out);
  expect(ended.stderr).not.toMatch(/error/i);
  expect(ended.stdout).toContain("relevance: reddest (did not read the caption): how red the frame is");
  const pair = checkedPair(JSON.parse(readFileSync(join(out, "pair.json"), "utf8")), "pair.json");
  expect(pair.keyFrames).toEqual([18]);
  expect(pair.replacements).toEqual([{ index: 18, from: 17 }]);
  expect(pair.relevance).toEqual({ name: "reddest", params: { gain: 2 }, version: "1" });
  expect(runCommand("absent", "--help", ...reddest).stdout).toMatch(/relevance provider: [^.]*reddest/);
});

test("a selector in one file chooses the frames that are scored", () => {
  const every = ["--plugin", pluginFile("every.ts"), "--select", "every:3", "--budget", "8"];
  const said = runCommand("keyframes", clip, ...caption, ...reddest, ...every, "--json", "--no-cache");
  const { frames } = JSON.parse(said.stdout) as { frames: { index: number; isKey: boolean }[] };
  expect(frames.map(({ index }) => index)).toEqual([0, 3, 6, 9, 12, 15, 18, 21]);
  expect(frames.filter(({ isKey }) => isKey).map(({ index }) => index)).toEqual([18]);
  const wrong = runCommand("keyframes", clip, ...caption, "--select", "evry");
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/^unknown frame selector "evry"/)]);
  const both = runCommand("keyframes", clip, ...caption, "--select", "uniform", "--fps", "2");
  expect(both.stderr).toMatch(/^say one way to choose frames; expected --fps or --select; got both\n$/);
});
