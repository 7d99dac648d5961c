/** Pixels come from a decoder's process through a file or, where there is none or it is full, through the pipe: the same. */
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readFrames } from "../../src/frames/read-frames.ts";
import { openVideoService } from "../../src/video/service.ts";
import { barcodeClip, readBarcode, steadyTimes } from "../barcode-clips.ts";

const used = vi.hoisted(() => ({ place: "file" as "file" | "pipe" | "full" | "short", read: 0 }));
vi.mock(import("../../src/video/pixel-file.ts"), async (original) => {
  const own = await original();
  return {
    ...own,
    openPixelFile: () =>
      used.place === "pipe"
        ? undefined
        : used.place === "full"
          ? openSync("/dev/full", "r+")
          : own.openPixelFile(),
    readPixels: (handle, place, memory) => {
      used.read++;
      return own.readPixels(handle, used.place === "short" ? { ...place, start: 2 ** 40 } : place, memory);
    },
  };
});

let folder: string;
let file: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pixel-file-"));
  file = join(folder, "clip.mp4");
  await using service = openVideoService({ workers: 1 });
  const clip = barcodeClip(steadyTimes(60, 30), 64, 48);
  await service.write(file, { ...clip, frames: [clip] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Several chunks of 4 MB, the last one smaller.
const request = { select: { kind: "all" }, size: { width: 400, height: 300 } } as const;

test.skipIf(process.platform !== "linux")("the same pixels through file, pipe and full file", async () => {
  const all: Uint8Array[] = [];
  for (const place of ["file", "pipe", "full"] as const) {
    used.place = place;
    used.read = 0;
    await using service = openVideoService({ workers: 1 });
    for (let round = 0; round < 2; round++) {
      const read = await readFrames(service, file, request);
      expect(read.frames.map((_, at) => readBarcode(read, at))).toEqual(read.frames.map((_, at) => at));
      all.push(read.pixels);
    }
    expect(used.read > 0).toBe(place === "file");
  }
  for (const pixels of all.slice(1)) expect(Buffer.compare(pixels, all[0]!)).toBe(0);
});

test("pixels that are not in the file cost the clip, in one line", async () => {
  used.place = "short";
  await using service = openVideoService({ workers: 1 });
  await expect(readFrames(service, file, request)).rejects.toThrow(
    "decoding gave up; got a decoder's pixels are missing",
  );
  used.place = "file";
  expect((await readFrames(service, file, request)).frames).toHaveLength(60);
});
