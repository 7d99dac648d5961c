import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPair } from "../../src/absent/build-pair.ts";
import { absentBuilders } from "../../src/absent/builders.ts";
import { absentStream } from "../../src/absent/twin.ts";
import { writePair } from "../../src/absent/write-pair.ts";
import { sha256 } from "../../src/core/files.ts";
import { type FrameBatch, pixelsOf } from "../../src/frames/frame-batch.ts";
import { relevanceProviders } from "../../src/selection/relevance.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { indicesForFps } from "../../src/video/timeline.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

/** Kinds that break naive writers: variable rate, odd size, rotation, alpha, 10 bit, 4:4:4, GIF, few frames, Theora. */
const clips = [
  "asl_brother.mkv",
  "hummingbird_count.gif",
  "keyboard_rot90.mov",
  "transparent_dot.webm",
  "testsrc_h264_10bit.mp4",
  "frames_h265.mp4",
  "DualDiscs.mov",
  "lego_theora.ogv",
  "ball_throw_vp9.avi",
  "cyclist_drops_ball.avi",
];

describe.skipIf(sharedMissing("pairs of real clips"))("pairs of real clips", () => {
  let folder: string;
  let video: VideoService;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "absent-clips-"));
    video = openVideoService();
  });
  afterAll(async () => {
    await video?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it.each(clips)("%s: declared frames differ, all others are equal, times stay", async (name) => {
    const file = sharedFile(`data/clips/${name}`);
    const info = await video.probe(file);
    const full = info.timeline;
    const sampled = full.length <= 16 ? full : indicesForFps(full, 8).map((at) => full[at]!);
    const indices = sampled.map(({ index }) => index);
    const built = await buildPair({
      clip: { file, sha256: "0".repeat(64) },
      full,
      sampled,
      frames: video.frames(file, { select: { kind: "indices", indices }, size: { width: 96, height: 72 } }),
      caption: "",
      keywords: [],
      relevance: await relevanceProviders.make("motion"),
      peaks: {},
      builder: await absentBuilders.make("previous-frame"),
      seed: 0,
    });
    const out = join(folder, name);
    const { pair, fidelity } = await writePair({
      video,
      file,
      info,
      pair: built.pair,
      folder: out,
      virtual: false,
    });
    expect(readdirSync(out).sort()).toEqual(["absent.mp4", "complete.mp4", "pair.json"]);
    const declared = new Set(pair.replacements.map(({ index }) => index));
    expect(declared.size).toBeGreaterThan(0);

    const prints = async (stream: AsyncIterable<FrameBatch>): Promise<string[]> => {
      const found: string[] = [];
      for await (const batch of stream)
        for (let at = 0; at < batch.frames.length; at++) found.push(sha256(pixelsOf(batch, at)));
      return found;
    };
    const source = await prints(video.frames(file, { select: { kind: "all" } }));
    const twin = await prints(
      absentStream(video.frames(file, { select: { kind: "all" } }), pair.replacements),
    );
    expect(source).toHaveLength(full.length);
    for (let at = 0; at < source.length; at++) expect(twin[at] === source[at]).toBe(!declared.has(at));

    expect(fidelity!.untouchedPsnr).toBeNull();
    expect(fidelity!.completePsnr).toBeGreaterThan(30);
    expect(fidelity!.absentPsnr).toBeGreaterThan(30);
    for (const written of ["complete.mp4", "absent.mp4"]) {
      const { timeline, codec, pixelFormat } = await video.probe(join(out, written));
      expect([codec, pixelFormat]).toEqual(["h264", "yuv420p"]);
      expect(timeline).toHaveLength(full.length);
      for (let at = 0; at < full.length; at++)
        expect(Math.abs(timeline[at]!.timeSeconds - full[at]!.timeSeconds)).toBeLessThan(1e-3);
    }
  });
});
