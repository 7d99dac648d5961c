import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UnsupportedError } from "../../src/core/errors.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { type DecoderChoice, openVideoService, type VideoService } from "../../src/video/service.ts";
import type { RawFrames } from "../../src/video/types.ts";
import { barcodeClip, readBarcode, steadyTimes } from "../barcode-clips.ts";

const names = readdirSync(new URL("../../src/video/decoders/", import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ""),
);

describe.each(names)("decoder %s", (name) => {
  let folder: string;
  let service: VideoService;
  let missing = false;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "video-contract-"));
    service = openVideoService({ decoder: name as DecoderChoice, workers: 2 });
    try {
      expect((await service.decoder()).name).toBe(name);
      const write = (file: string, clip: RawFrames, gop: number): Promise<unknown> =>
        service.write(join(folder, file), { ...clip, frames: [clip], encode: { gop, preset: "fast" } });
      await write("steady.mp4", barcodeClip(steadyTimes(60, 25), 64, 48), 250);
      await write("groups.mp4", barcodeClip(steadyTimes(250, 30), 64, 48), 70);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      missing = true;
      console.log(`\nSKIPPED: decoder ${name}: ${error.message}\n`);
    }
  });
  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const check = (what: string, body: () => Promise<void>): void => {
    test(what, async ({ skip }) => {
      skip(missing, `decoder ${name} is not installed`);
      await body();
    });
  };

  const roundTrip = async (
    file: string,
    times: readonly number[],
    width: number,
    height: number,
  ): Promise<void> => {
    const clip = barcodeClip(times, width, height);
    const written = await service.write(file, { width, height, frames: [clip] });
    expect(written.frames).toBe(times.length);
    const info = await service.probe(file);
    expect(info.faults).toEqual([]);
    expect([info.width, info.height]).toEqual([written.width, written.height]);
    expect(info.timeline).toHaveLength(times.length);
    info.timeline.forEach((frame, i) => {
      expect(frame.timeSeconds).toBeCloseTo(times[i]! - times[0]!, 4);
    });
    const all = await readFrames(service, file, { select: { kind: "all" } });
    expect(all.frames.map((_, i) => readBarcode(all, i))).toEqual(times.map((_, i) => i & 255));
  };

  check("gives back what it wrote: frames, order, times", () =>
    roundTrip(join(folder, "steady.mp4"), steadyTimes(60, 25), 64, 48),
  );
  check("says of a picture that it is one", async () => {
    const file = join(folder, "photo.mp4");
    await sharp({ create: { width: 64, height: 48, channels: 3, background: "#456" } })
      .jpeg()
      .toFile(file);
    await expect(service.probe(file)).rejects.toThrow(/got a picture, a playlist or another kind of file/);
  });
  check("keeps variable times", async () => {
    const times = [0.5, 0.51, 0.6, 1.6, 1.64, 5.0, 5.2, 5.2002];
    await roundTrip(join(folder, "variable.mp4"), times, 64, 48);
    expect((await service.probe(join(folder, "variable.mp4"))).variableRate).toBe(true);
  });
  check("pads odd sides to even ones", () => roundTrip(join(folder, "odd.mp4"), steadyTimes(10, 10), 65, 47));
  check("writes a single frame", () => roundTrip(join(folder, "single.mp4"), [0], 32, 32));
  check("writes the same bytes every time, H.264 with the index in front and no banner", async () => {
    const hashes = new Set<string>();
    for (const round of [0, 1, 2]) {
      const file = join(folder, `same-${round}.mp4`);
      const encode = { preset: "medium", crf: 30 } as const;
      const frames = [barcodeClip(steadyTimes(40, 25), 96, 64)];
      hashes.add((await service.write(file, { width: 96, height: 64, frames, encode })).sha256);
      const bytes = readFileSync(file).toString("latin1");
      expect(bytes).not.toMatch(/x264|Lavf|Lavc/);
      expect(bytes.indexOf("moov")).toBeLessThan(bytes.indexOf("mdat"));
      expect(bytes).toContain("avc1");
    }
    expect(hashes.size).toBe(1);
  });
  check("finds any frame of a clip with long groups, in any selection", async () => {
    const file = join(folder, "groups.mp4");
    const wanted = [0, 1, 69, 70, 71, 139, 141, 200, 248, 249];
    for (const indices of [wanted, [249], [70], [0], [138, 140]]) {
      const batch = await readFrames(service, file, { select: { kind: "indices", indices } });
      expect(batch.frames.map(({ index }) => index)).toEqual(indices);
      expect(batch.frames.map((_, i) => readBarcode(batch, i))).toEqual(indices);
      expect(batch.repeated).toBeUndefined();
    }
    const counted = await readFrames(service, file, { select: { kind: "count", count: 5 } });
    expect(counted.frames).toHaveLength(5);
    const perSecond = await readFrames(service, file, { select: { kind: "fps", fps: 1 } });
    expect(perSecond.frames.map((_, i) => readBarcode(perSecond, i))).toEqual([
      0, 30, 60, 90, 120, 150, 180, 210, 240,
    ]);
  });
  check("resizes to a size and to bounds of pixels", async () => {
    const file = join(folder, "steady.mp4");
    const small = await readFrames(service, file, {
      select: { kind: "indices", indices: [3] },
      size: { width: 32, height: 30 },
    });
    expect([small.width, small.height]).toEqual([32, 30]);
    const size = { minPixels: 28 * 28, maxPixels: 56 * 56, factor: 28 };
    const bounded = await readFrames(service, file, { select: { kind: "indices", indices: [3] }, size });
    expect([bounded.width % 28, bounded.height % 28]).toEqual([0, 0]);
    const fast = {
      select: { kind: "indices", indices: [3] },
      size: { width: 32, height: 30 },
      resizer: "zscale",
    } as const;
    const other = await readFrames(service, file, fast);
    expect(readBarcode(other, 0)).toBe(3);
    const mean =
      other.pixels.reduce((sum, byte, i) => sum + Math.abs(byte - small.pixels[i]!), 0) / other.pixels.length;
    expect(mean).toBeLessThan(3);
  });
  check("rewrites a clip and a twin that differ only in the replaced frames", async () => {
    const file = join(folder, "steady.mp4");
    const [complete, absent] = [join(folder, "complete.mp4"), join(folder, "absent.mp4")];
    const replacements = [
      { index: 20, from: 19 },
      { index: 21, from: 19 },
      { index: 40, from: 50 },
    ];
    const written = await service.rewrite(file, { complete, absent, replacements });
    expect(written.complete?.frames).toBe(60);
    const one = await readFrames(service, complete, { select: { kind: "all" } });
    const two = await readFrames(service, absent, { select: { kind: "all" } });
    expect(two.frames).toEqual(one.frames);
    expect(one.frames.map((_, i) => readBarcode(one, i))).toEqual(steadyTimes(60, 1));
    const bytes = 64 * 48 * 3;
    for (let i = 0; i < 60; i++) {
      const same = Buffer.compare(
        one.pixels.subarray(i * bytes, (i + 1) * bytes),
        two.pixels.subarray(i * bytes, (i + 1) * bytes),
      );
      const replaced = replacements.find(({ index }) => index === i);
      expect(readBarcode(two, i)).toBe(replaced?.from ?? i);
      if (replaced === undefined) expect(same).toBe(0);
    }
  });
  check("names what is wrong with a file that is no clip", async () => {
    const bad = async (
      file: string,
      content: string | Uint8Array | undefined,
      reason: RegExp,
    ): Promise<void> => {
      const path = join(folder, file);
      if (content !== undefined) writeFileSync(path, content);
      const attempts = [service.probe(path), readFrames(service, path, { select: { kind: "all" } })];
      for (const outcome of await Promise.allSettled(attempts)) {
        const error = outcome.status === "rejected" ? (outcome.reason as Error) : undefined;
        expect(error?.name).toBe("VideoError");
        expect(error?.message).toMatch(reason);
        expect(error?.message).toContain(path);
        expect(error?.message).not.toContain("\n");
      }
    };
    await bad("missing.mp4", undefined, /no such file/);
    await bad("empty.mp4", "", /empty/);
    await bad("text.mp4", "this is no film\n".repeat(50), /cannot|not a video/);
    await bad("list.mp4", `#EXTM3U\n#EXTINF:1,\n${join(folder, "steady.mp4")}\n`, /not a video/);
    await bad("concat.mp4", `ffconcat version 1.0\nfile '${join(folder, "steady.mp4")}'\n`, /not a video/);
    await bad("half.mp4", readFileSync(join(folder, "steady.mp4")).subarray(0, 400), /without its index/);
    const error = await service.probe(folder).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(/folder/);
  });
  check("reads on when a clip ends early, and says so", async () => {
    const whole = readFileSync(join(folder, "groups.mp4"));
    const file = join(folder, "cut.mp4");
    writeFileSync(file, whole.subarray(0, Math.floor(whole.length * 0.7)));
    const info = await service.probe(file);
    expect(info.timeline.length).toBeGreaterThan(50);
    expect(info.timeline.length).toBeLessThan(250);
    expect(info.faults.length).toBeGreaterThan(0);
    const batch = await readFrames(service, file, { select: { kind: "all" } });
    expect(batch.frames).toHaveLength(info.timeline.length);
    expect(batch.frames.slice(0, 50).map((_, i) => readBarcode(batch, i))).toEqual(steadyTimes(50, 1));
  });
  check("a failing write leaves nothing behind", async () => {
    const file = join(folder, "unwritten.mp4");
    const twice = [barcodeClip([0, 1], 32, 32), barcodeClip([1, 2], 32, 32)];
    await expect(service.write(file, { width: 32, height: 32, frames: twice })).rejects.toThrow(/ascend/);
    await expect(service.write(file, { width: 32, height: 32, frames: [] })).rejects.toThrow(/no frames/);
    const source = (async function* () {
      yield barcodeClip([0], 32, 32);
      throw new Error("the source broke");
    })();
    await expect(service.write(file, { width: 32, height: 32, frames: source })).rejects.toThrow(
      "the source broke",
    );
    const wrong = [barcodeClip([0], 30, 32)];
    await expect(service.write(file, { width: 32, height: 32, frames: wrong })).rejects.toThrow(/do not fit/);
    expect(readdirSync(folder).filter((entry) => entry.startsWith("unwritten"))).toEqual([]);
  });
});
