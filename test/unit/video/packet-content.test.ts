import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packetReader } from "../../../src/video/backend/packet-content.ts";
import { packetFlag } from "../../../src/video/packet-table.ts";

const avcHeader = Uint8Array.from([1, 100, 0, 31, 0xff, 0xe1, 0]);
const units = (...list: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from(list.flatMap((unit) => [0, 0, 0, unit.length, ...unit]));

describe("H.264 with lengths", () => {
  const read = packetReader("h264", avcHeader);
  test("knows referred and unreferred slices", () => {
    expect(read(units([0x65, 1, 2]))).toBe(0);
    expect(read(units([0x06, 9], [0x01, 1, 2]))).toBe(packetFlag.disposable);
    expect(read(units([0x41, 1], [0x41, 1]))).toBe(0);
  });
  test("a packet without a slice shows nothing", () => {
    expect(read(units([0x06, 1]))).toBe(packetFlag.hidden);
  });
  test("lengths that do not add up are damage", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        (body, more) => {
          const wrong = Uint8Array.from([0, 0, 0, body.length, ...body]);
          wrong[3] = (body.length + more) & 255;
          wrong[2] = (body.length + more) >> 8;
          expect(read(wrong)).toBe(packetFlag.broken);
        },
      ),
    );
  });
});

describe("recovery points of H.264", () => {
  const sei = (...payload: number[]): number[] => [0x06, ...payload, 0x80];
  const slice = [0x41, 1, 2];
  // recovery_frame_cnt as an Exp-Golomb number: 0 is "1", 29 is "000011110".
  const [atOnce, later] = [
    [6, 1, 0b1100_0100],
    [6, 2, 0b0000_1111, 0b0110_0010],
  ];
  test.each([avcHeader, undefined])("count only when the picture is not whole at once (%#)", (header) => {
    const read = packetReader("h264", header);
    const packet = (...list: number[][]): Uint8Array =>
      header === undefined ? Uint8Array.from(list.flatMap((unit) => [0, 0, 1, ...unit])) : units(...list);
    expect(read(packet(sei(...atOnce!), slice))).toBe(0);
    expect(read(packet(sei(...later!), slice))).toBe(packetFlag.gradual);
    expect(read(packet(sei(1, 3, 6, 1, 9, ...later!), slice))).toBe(packetFlag.gradual);
    expect(read(packet(sei(5, 4, 0, 0, 3, 1, 7), slice))).toBe(0);
  });
});

test("H.264 with start codes speaks for its first slice", () => {
  const read = packetReader("h264", undefined);
  expect(read(Uint8Array.from([0, 0, 0, 1, 0x09, 0xf0, 0, 0, 1, 0x01, 5]))).toBe(packetFlag.disposable);
  expect(read(Uint8Array.from([0, 0, 0, 1, 0x67, 0xf0, 0, 0, 1, 0x65, 5]))).toBe(0);
});

test("VP8 and VP9 frames that are not shown are hidden", () => {
  const vp8 = packetReader("vp8", undefined);
  expect([vp8(Uint8Array.of(0x10)), vp8(Uint8Array.of(0x00))]).toEqual([0, packetFlag.hidden]);
  const vp9 = packetReader("vp9", undefined);
  expect(vp9(Uint8Array.of(0b1000_0010, 0x49))).toBe(0);
  expect(vp9(Uint8Array.of(0b1000_0000, 0x49))).toBe(packetFlag.hidden);
  expect(vp9(Uint8Array.of(0b1000_0000, 0xc1))).toBe(0);
  expect(vp9(Uint8Array.of(0x00, 0x00))).toBe(packetFlag.broken);
});

test("no bytes make a reader throw or loop", () => {
  const hevcHeader = new Uint8Array(23).fill(1);
  const codec = fc.constantFrom("h264", "hevc", "vp8", "vp9", "mpeg4");
  const header = fc.constantFrom(undefined, avcHeader, hevcHeader);
  fc.assert(
    fc.property(codec, header, fc.uint8Array({ maxLength: 200 }), (name, extra, data) => {
      expect(packetReader(name, extra)(data)).toBeGreaterThanOrEqual(0);
    }),
  );
});
