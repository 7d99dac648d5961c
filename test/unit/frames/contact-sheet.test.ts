import sharp from "sharp";
import { expect, test } from "vitest";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import { contactSheet, type SheetTile } from "../../../src/frames/contact-sheet.ts";
import { resizeBatch } from "../../../src/frames/resize.ts";

const tile = { width: 40, height: 20 };
const picture = (framed: boolean): SheetTile => ({
  pixels: new Uint8Array(40 * 20 * 3).fill(128),
  label: 'a <b> & "c"',
  framed,
});

test("a sheet is as wide as its longest row and grows by head and foot", async () => {
  const rows = [
    [picture(false), picture(false)],
    [picture(false), picture(false), picture(false)],
  ];
  const plain = await sharp(await contactSheet({ head: [], rows, tile })).metadata();
  expect([plain.width, plain.height]).toEqual([3 * 46 + 6, 6 + 2 * 42]);
  const foot = { height: 50, draw: (width: number) => `<rect width="${width}" height="50" fill="#0a0"/>` };
  const rich = await contactSheet({ head: ["one & <two>", "three"], rows, tile, columnWidth: 60, foot });
  const { data, info } = await sharp(rich).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([3 * 66 + 6, 6 + 44 + 6 + 2 * 42 + 50 + 6]);
  const at = ((info.height - 20) * info.width + info.width / 2) * info.channels;
  expect([...data.subarray(at, at + 3)]).toEqual([0, 0xaa, 0]);
});

test("lines that do not fit are broken between words, and control characters do not spoil the sheet", async () => {
  const rows = [[picture(false), picture(false), picture(false)]];
  const heightOf = async (line: string): Promise<number> =>
    (await sharp(await contactSheet({ head: [line], rows, tile })).metadata()).height;
  const short = await heightOf("short");
  expect(await heightOf("short\u0001")).toBe(short);
  expect(await heightOf("much more than fits")).toBe(short + 22);
  expect(await heightOf("onelongwordthatcannotbebroken")).toBe(short);
});

test("framed pictures have a coloured border, others have none", async () => {
  const rows = [[picture(true), picture(false)]];
  const { data, info } = await sharp(await contactSheet({ head: [], rows, tile }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixel = (x: number, y: number): number[] => {
    const at = (y * info.width + x) * info.channels;
    return [...data.subarray(at, at + 3)];
  };
  expect(pixel(5, 15)).toEqual([0xb3, 0x26, 0x1e]);
  expect(pixel(30, 15)).toEqual([128, 128, 128]);
  expect(pixel(50, 15)).toEqual([0xf4, 0xf4, 0xf2]);
});

test("a batch is resized frame by frame", () => {
  const batch = {
    pixels: new Uint8Array(5 * 40 * 20 * 3).fill(128),
    frames: Array.from({ length: 5 }, (_, i) => ({ index: frameIndex(i * 2), timeSeconds: seconds(i / 4) })),
    ...tile,
  };
  const small = resizeBatch(batch, 10, 5);
  expect([small.width, small.height, small.pixels.length]).toEqual([10, 5, 5 * 150]);
  expect(small.pixels.every((byte) => byte === 128)).toBe(true);
  expect(resizeBatch(batch, 40, 20)).toBe(batch);
});
