import { closeSync, openSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openPixelFile, PixelWriter, readPixels } from "../../../src/video/pixel-file.ts";
import { chunkWindow, type PixelPlace } from "../../../src/video/protocol.ts";

const pixelsOf = (seed: number, bytes: number): Uint8Array => {
  const pixels = new Uint8Array(bytes);
  let state = seed + 1;
  for (let at = 0; at < bytes; at += 1 + (at % 7)) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    pixels[at] = state >>> 24;
  }
  return pixels;
};

test("chunks come out as they went in, read as late as the protocol allows, job after job", () => {
  const handle = openPixelFile()!;
  const writer = new PixelWriter(handle);
  // Bytes of a full chunk, of the last one of the job, and how many there are.
  const jobs = fc.array(
    fc.tuple(
      fc.integer({ min: 1 << 16, max: 3 << 16 }),
      fc.integer({ min: 1, max: 3 << 16 }),
      fc.integer({ min: 1, max: 5 }),
    ),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(jobs, (sizes) => {
      for (const [full, rest, count] of sizes) {
        writer.restart();
        const sent: { readonly pixels: Uint8Array; readonly place: PixelPlace | undefined }[] = [];
        const check = ({ pixels, place }: (typeof sent)[number]): void => {
          if (place === undefined) return;
          expect(place.bytes).toBe(pixels.length);
          const read = readPixels(handle, place, Buffer.alloc(place.bytes));
          expect(Buffer.compare(read, pixels)).toBe(0);
        };
        for (let at = 0; at <= count; at++) {
          const pixels = pixelsOf(at, at === count ? rest : full);
          sent.push({ pixels, place: writer.put(pixels) });
          // The oldest one that may still be unread is read after the newest was written.
          if (at >= chunkWindow - 1) check(sent[at - chunkWindow + 1]!);
        }
        sent.slice(1 - chunkWindow).forEach(check);
        // All but a small or a larger last one lie in the file.
        expect(sent.slice(0, count).every(({ place }) => place !== undefined)).toBe(true);
        expect(sent[count]!.place !== undefined).toBe(rest >= 1 << 16 && rest <= full);
      }
    }),
    { numRuns: 30 },
  );
  closeSync(handle);
});

test("the file has no name that could stay behind", () => {
  const handle = openPixelFile()!;
  const left = ["/dev/shm", tmpdir()].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(`videoperceiver-pixels-${process.pid}-`));
    } catch {
      return [];
    }
  });
  expect(left).toEqual([]);
  closeSync(handle);
});

test.skipIf(process.platform !== "linux")("a full place, and no place, leave pixels to the pipe", () => {
  const full = openSync("/dev/full", "r+");
  const closed = openPixelFile()!;
  closeSync(closed);
  for (const handle of [full, closed]) {
    const writer = new PixelWriter(handle);
    expect(writer.put(new Uint8Array(1 << 17))).toBeUndefined();
    writer.restart();
    expect(writer.put(new Uint8Array(1 << 17))).toBeUndefined();
  }
  closeSync(full);
});

test("missing pixels are told", () => {
  const handle = openPixelFile()!;
  const place = new PixelWriter(handle).put(new Uint8Array(1 << 17))!;
  expect(() => readPixels(handle, { start: 1 << 16, bytes: 1 << 17 }, Buffer.alloc(1 << 17))).toThrow(
    "a decoder's pixels are missing; expected 131072 bytes from 65536; got 65536 bytes",
  );
  expect(readPixels(handle, place, Buffer.alloc(1 << 17)).every((byte) => byte === 0)).toBe(true);
  closeSync(handle);
});
