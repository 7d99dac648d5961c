import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import { openFrameCache } from "../../../src/frames/frame-cache.ts";
import { readFrames } from "../../../src/frames/read-frames.ts";
import type { FrameRequest } from "../../../src/video/request.ts";
import type { RawFrames } from "../../../src/video/types.ts";

let folder: string;
let clip: string;
let decoded: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "frame-cache-"));
  clip = join(folder, "clip.bin");
  writeFileSync(clip, "content");
  decoded = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A service whose frame i is filled with i; two chunks an answer. */
const service = {
  decoder: async () => ({ name: "fake", version: "1" }),
  async *frames(_file: string, request: FrameRequest): AsyncGenerator<RawFrames> {
    decoded++;
    const indices = request.select.kind === "indices" ? request.select.indices : [0, 1];
    for (const index of indices) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield {
        pixels: new Uint8Array(4 * 2 * 3).fill(index),
        frames: [{ index: frameIndex(index), timeSeconds: seconds(index / 10) }],
        width: 4,
        height: 2,
        ...(index === 3 && { repeated: [3] }),
      };
    }
  },
};
const request = (...indices: number[]): FrameRequest => ({ select: { kind: "indices", indices } });
const cacheFolder = (): string => join(folder, "cache");
const entries = (): string[] => readdirSync(cacheFolder()).filter((name) => name.endsWith(".frames"));

test("the second answer comes from disk and equals the first", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder() });
  const first = await readFrames(cache, clip, request(1, 3, 5));
  const second = await readFrames(cache, clip, request(1, 3, 5));
  expect(second).toEqual(first);
  expect(second.repeated).toEqual([3]);
  expect(decoded).toBe(1);
  expect(cache.counts()).toEqual({ hits: 1, misses: 1 });
});

test("another request, another content and another decoder are decoded anew", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder() });
  await readFrames(cache, clip, request(1));
  await readFrames(cache, clip, request(2));
  writeFileSync(clip, "other content");
  await readFrames(cache, clip, request(1));
  const newer = { ...service, decoder: async () => ({ name: "fake", version: "2" }) };
  await readFrames(openFrameCache(newer, { folder: cacheFolder() }), clip, request(1));
  expect(decoded).toBe(4);
});

test("equal requests that overlap decode once", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder() });
  const answers = await Promise.all([1, 2, 3].map(() => readFrames(cache, clip, request(0, 1, 2))));
  expect(decoded).toBe(1);
  expect(answers[2]).toEqual(answers[0]);
});

test("a reader that leaves early leaves no entry and no half file", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder() });
  for await (const chunk of cache.frames(clip, request(0, 1, 2))) {
    expect(chunk.frames[0]!.index).toBe(0);
    break;
  }
  expect(readdirSync(cacheFolder())).toEqual([]);
});

test("a damaged entry is no entry", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder() });
  await readFrames(cache, clip, request(0, 1));
  truncateSync(join(cacheFolder(), entries()[0]!), 20);
  expect((await readFrames(cache, clip, request(0, 1))).frames).toHaveLength(2);
  expect(decoded).toBe(2);
});

test("what was used longest ago goes when the folder is full", async () => {
  const cache = openFrameCache(service, { folder: cacheFolder(), limitBytes: 600 });
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));
  await readFrames(cache, clip, request(0));
  await pause();
  await readFrames(cache, clip, request(1));
  await pause();
  await readFrames(cache, clip, request(0));
  for (let i = 2; i < 6; i++) {
    await pause();
    await readFrames(cache, clip, request(i));
    await pause();
    await readFrames(cache, clip, request(0));
  }
  expect(entries().length).toBeLessThan(6);
  const before = decoded;
  await readFrames(cache, clip, request(0));
  expect(decoded).toBe(before);
});
