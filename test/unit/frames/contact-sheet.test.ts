import sharp from "sharp";
import { expect, test } from "vitest";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import { contactSheet } from "../../../src/frames/contact-sheet.ts";
import { resizeBatch } from "../../../src/frames/resize.ts";

const batch = {
  pixels: new Uint8Array(5 * 40 * 20 * 3).fill(128),
  frames: Array.from({ length: 5 }, (_, i) => ({ index: frameIndex(i * 2), timeSeconds: seconds(i / 4) })),
  width: 40,
  height: 20,
};

test("a sheet has a row for every three of five frames, and grows by its curve", async () => {
  const plain = await sharp(await contactSheet(batch)).metadata();
  expect([plain.width, plain.height]).toEqual([3 * 46 + 6, 2 * (20 + 16 + 6) + 6]);
  const curve = [0, 1, 2].map((i) => ({ timeSeconds: i / 2, value: i % 2 }));
  const title = 'a <b> & "c"';
  const rich = await sharp(await contactSheet(batch, { curve, keyFrames: [4], title })).metadata();
  expect(rich.height).toBe(plain.height! + 24 + 120);
});

test("key frames have a coloured border", async () => {
  const { data, info } = await sharp(await contactSheet(batch, { keyFrames: [0] }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (20 * info.width + 5) * info.channels;
  expect([...data.subarray(at, at + 3)]).toEqual([0xe4, 0x57, 0x2e]);
});

test("a batch is resized frame by frame", () => {
  const small = resizeBatch(batch, 10, 5);
  expect([small.width, small.height, small.pixels.length]).toEqual([10, 5, 5 * 150]);
  expect(small.pixels.every((byte) => byte === 128)).toBe(true);
  expect(resizeBatch(batch, 40, 20)).toBe(batch);
});
