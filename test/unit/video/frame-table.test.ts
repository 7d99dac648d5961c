import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countedByDecoding,
  framesFromDecode,
  framesFromPackets,
  reasonToDecode,
  type StreamOrder,
  startingKeys,
} from "../../../src/video/frame-table.ts";
import { PacketTable, packetFlag } from "../../../src/video/packet-table.ts";

const table = (rows: readonly (readonly [pts: number, flags: number])[]): PacketTable => {
  const packets = new PacketTable();
  for (const [pts, flags] of rows) packets.add(pts, pts, 10, -1, flags);
  return packets;
};
const order = (codec: string, reorderDepth: number): StreamOrder => ({
  codec,
  reorderDepth,
  container: "mov",
  timeBase: [1, 1000],
});
const inOrder = order("h264", 0);
const timesOf = (...args: Parameters<typeof framesFromDecode>): number[] => [
  ...framesFromDecode(...args).frames.pts,
];
const { key, discard, corrupt, broken, hidden } = packetFlag;

describe("reasonToDecode", () => {
  test("has nothing to say about sound packets", () => {
    expect(
      reasonToDecode(
        table([
          [0, key],
          [20, 0],
          [10, 0],
        ]),
        inOrder,
      ),
    ).toBeUndefined();
  });
  test.each([
    [
      /length/,
      [
        [0, key],
        [10, broken],
      ],
    ],
    [
      /damaged/,
      [
        [0, key],
        [10, corrupt],
      ],
    ],
    [
      /without presentation time/,
      [
        [0, key],
        [Number.NaN, 0],
      ],
    ],
    [
      /same presentation time/,
      [
        [0, key],
        [0, 0],
      ],
    ],
    [
      /no key packet/,
      [
        [0, 0],
        [10, 0],
      ],
    ],
  ] as const)("says %s", (reason, rows) => {
    expect(reasonToDecode(table(rows), inOrder)).toMatch(reason);
  });
  test("says that times are only decoding times where the stream reorders its pictures", () => {
    const counted = table([
      [0, key],
      [1, 0],
      [2, 0],
    ]);
    expect(reasonToDecode(counted, inOrder)).toBeUndefined();
    expect(reasonToDecode(counted, order("mpeg2video", 1))).toBeUndefined();
    expect(reasonToDecode(counted, order("h264", 2))).toMatch(/decoding times/);
    const offset = table([[0, key]]);
    offset.add(20, 10, 10, -1, 0);
    expect(reasonToDecode(offset, order("h264", 2))).toBeUndefined();
  });
  test("does not mind discarded and hidden packets", () => {
    expect(
      reasonToDecode(
        table([
          [0, key | discard],
          [0, hidden],
          [10, 0],
        ]),
        inOrder,
      ),
    ).toBeUndefined();
  });
});

test("frames are the shown packets in order of time, however many there are", () => {
  const times = fc.uniqueArray(fc.integer({ min: -1000, max: 100_000 }), { minLength: 1, maxLength: 3000 });
  fc.assert(
    fc.property(times, (pts) => {
      const packets = table(pts.map((time, i) => [time, i % 7 === 3 ? discard : 0]));
      const frames = framesFromPackets(packets, "mov");
      const shown = pts.filter((_, i) => i % 7 !== 3).sort((a, b) => a - b);
      expect([...frames.pts]).toEqual(shown);
      expect([...frames.packet].map((at) => packets.pts[at])).toEqual(shown);
    }),
    { numRuns: 30 },
  );
});

test("the last frame lasts as its packet says; in MP4 as the last in decoding order says", () => {
  const packets = new PacketTable();
  // A film of 10, 10, 10 and 50 ticks a frame: I P B B, of which the P is shown last.
  packets.add(0, -10, 10, -1, key);
  packets.add(30, 0, 30, -1, 0);
  packets.add(10, 10, 10, -1, 0);
  packets.add(20, 20, 50, -1, 0);
  expect(framesFromPackets(packets, "mov,mp4,m4a,3gp,3g2,mj2").lastDuration).toBe(50);
  expect(framesFromPackets(packets, "matroska,webm").lastDuration).toBe(30);
  packets.add(40, 30, 7, -1, discard);
  expect(framesFromPackets(packets, "mov,mp4,m4a,3gp,3g2,mj2").lastDuration).toBe(50);
});

test("Matroska stores no decoding times: times that only ascend are those of a stream that reorders", () => {
  const packets = new PacketTable();
  const mkv = { ...order("h264", 2), container: "matroska,webm" };
  for (const [pts, dts] of [
    [0, -20],
    [10, -10],
    [20, 0],
    [30, 10],
  ] as const)
    packets.add(pts, dts, 10, -1, pts === 0 ? key : 0);
  expect(reasonToDecode(packets, mkv)).toMatch(/decoding times/);
  expect(reasonToDecode(packets, { ...mkv, reorderDepth: 0 })).toBeUndefined();
  packets.add(25, 20, 10, -1, 0);
  expect(reasonToDecode(packets, mkv)).toBeUndefined();
  expect(
    timesOf(
      [0, 30, 30, 30],
      table([
        [0, key],
        [10, 0],
        [20, 0],
        [30, 0],
      ]),
      mkv,
    ),
  ).toEqual([0, 10, 20, 30]);
});

test("decoded frames without a time continue by the usual distance", () => {
  const unknown = Number.NaN;
  const packets = table([[0, key]]);
  expect(timesOf([unknown, 10, 20, unknown, 40, unknown], packets, inOrder)).toEqual([0, 10, 20, 30, 40, 50]);
  expect(timesOf([unknown, unknown], packets, inOrder)).toEqual([0, 10]);
  expect(timesOf([5, 15, 3, 35, 45, 55], packets, inOrder)).toEqual([5, 15, 25, 35, 45, 55]);
});

test("frames of packets that carry only decoding times are shown at these, one after another", () => {
  const packets = table([
    [0, key],
    [1, 0],
    [2, 0],
    [3, 0],
  ]);
  const reordered = order("h264", 2);
  expect(timesOf([0, 3, 4, 4], packets, reordered)).toEqual([0, 1, 2, 3]);
  expect(timesOf([0, 3, 4], packets, reordered)).toEqual([0, 3, 4]);
});

test("so they are where some pictures are lost", () => {
  const packets = table(Array.from({ length: 50 }, (_, i) => [i, i === 0 ? key : 0]));
  const decoded = Array.from({ length: 48 }, (_, i) => (i % 5 === 4 ? i + 3 : i));
  const expected = decoded.map((_, i) => i);
  expect(timesOf(decoded, packets, order("h264", 2))).toEqual(expected);
  expect(framesFromDecode(decoded, packets, order("h264", 2)).faults).toEqual([
    "2 pictures are missing, which ones is not known: those behind them are shown early by as many frames",
  ]);
});

test("a clock that stands still goes on and is named; two frames at one time stay", () => {
  const packets = table([[0, key]]);
  const { frames, faults } = framesFromDecode([0, 10, 20, 20, 20, 20, 60, 60, 70], packets, inOrder);
  expect([...frames.pts]).toEqual([0, 10, 20, 30, 40, 50, 60, 60, 70]);
  expect(faults.join()).toMatch(/the clock stands still at 3 frames/);
});

test("what a damaged film lost is counted", () => {
  const packets = table([
    [0, key],
    [1, broken],
    [2, broken],
    [3, hidden],
  ]);
  expect(countedByDecoding("x", 1, packets)).toBe(
    "frames were counted by decoding: x (3 packets gave 1 pictures)",
  );
  expect(countedByDecoding("x", 3, packets)).toBe("frames were counted by decoding: x");
});

test("a packet is decoded from the last key packet before it in both orders", () => {
  // I P B B | I(open) with two leading pictures that are shown before it.
  const packets = table([
    [0, key],
    [30, 0],
    [10, 0],
    [20, 0],
    [60, key],
    [40, 0],
    [50, 0],
    [70, 0],
  ]);
  expect([...startingKeys(packets)]).toEqual([0, 0, 0, 0, 4, 0, 0, 4]);
});

test("a key packet whose picture is whole only later is no place to start", () => {
  const gradual = key | packetFlag.gradual;
  const packets = table([
    [0, key],
    [10, 0],
    [20, gradual],
    [30, 0],
    [40, key],
  ]);
  expect([...startingKeys(packets)]).toEqual([0, 0, 0, 0, 4]);
});
