import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClipIndex } from "../../../src/video/backend/backend.ts";
import { framesFromDecode, framesFromPackets } from "../../../src/video/frame-table.ts";
import { defaultLimits } from "../../../src/video/limits.ts";
import { orientationOf } from "../../../src/video/orientation.ts";
import { PacketTable } from "../../../src/video/packet-table.ts";
import type { KeptIndex } from "../../../src/video/protocol.ts";
import { keepIndex, keptIndex } from "../../../src/video/worker/index-file.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "index-file-"));
  file = join(folder, "clip.mp4");
  writeFileSync(file, "a clip");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (): KeptIndex => {
  const { size, mtimeMs } = statSync(file);
  return { path: join(folder, "clip.index"), size, mtimeMs };
};

const inOrder = { codec: "h264", reorderDepth: 0, container: "mov", timeBase: [1, 90_000] } as const;

const clipOf = (gaps: readonly number[], decoded: boolean, faults: readonly string[]): ClipIndex => {
  const packets = new PacketTable();
  let pts = -gaps.length;
  gaps.forEach((gap, i) => {
    pts += gap;
    packets.add(pts, i % 3 === 0 ? Number.NaN : pts - 1, gap, i * 1000, i === 0 ? 1 : 8);
  });
  const times = Array.from({ length: packets.count }, (_, i) => packets.pts[i]!);
  return {
    file,
    facts: {
      opening: {},
      streamId: undefined,
      container: "mov",
      streams: [{ index: 0, kind: "video", codec: "h264", width: 64, height: 48, attachedPicture: false }],
      streamIndex: 0,
      codec: "h264",
      codedWidth: 64,
      codedHeight: 48,
      colour: { pixelFormat: "yuv420p", matrix: undefined, range: "tv" },
      transfer: undefined,
      orientation: orientationOf(undefined),
      sampleAspectRatio: [1, 1],
      timeBase: [1, 90_000],
      reorderDepth: 2,
    },
    packets,
    frames: decoded ? framesFromDecode(times, packets, inOrder).frames : framesFromPackets(packets, "mov"),
    faults,
    sizes: decoded ? [{ frame: 3, width: 48, height: 64 }] : [],
    notes: faults.map((fault) => `also ${fault}`),
  };
};

/** What of an index counts: tables are longer inside than they say. */
const content = ({ packets, ...rest }: ClipIndex): unknown => ({
  ...rest,
  columns: [packets.pts, packets.dts, packets.duration, packets.position, packets.flags].map((column) => [
    ...column.subarray(0, packets.count),
  ]),
});

test("an index comes back as it was kept, and nothing else is left in the folder", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 3000 }),
      fc.boolean(),
      fc.array(fc.string()),
      (gaps, decoded, faults) => {
        const clip = clipOf(gaps, decoded, faults);
        keepIndex(clip, place());
        expect(content(keptIndex(file, place(), defaultLimits)!)).toEqual(content(clip));
      },
    ),
    { numRuns: 30 },
  );
  expect(readdirSync(folder).sort()).toEqual(["clip.index", "clip.mp4"]);
});

test("no damaged index is taken", () => {
  keepIndex(clipOf([1, 2, 3, 4], false, []), place());
  const bytes = readFileSync(place().path);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ change;
      writeFileSync(place().path, damaged);
      expect(keptIndex(file, place(), defaultLimits)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
  for (const length of [0, 10, 24, bytes.length - 1]) {
    writeFileSync(place().path, bytes.subarray(0, length));
    expect(keptIndex(file, place(), defaultLimits)).toBeUndefined();
  }
});

test("an index of another state of the file is neither taken nor kept", () => {
  const before = place();
  keepIndex(clipOf([1, 2], false, []), before);
  writeFileSync(file, "another clip");
  expect(keptIndex(file, before, defaultLimits)).toBeUndefined();
  rmSync(before.path);
  keepIndex(clipOf([1, 2], false, []), before);
  expect(readdirSync(folder)).toEqual(["clip.mp4"]);
});

test("limits hold for a kept index too", () => {
  keepIndex(clipOf([1, 2, 3], false, []), place());
  expect(keptIndex(file, place(), { ...defaultLimits, maxPixels: 100 })).toBeUndefined();
  expect(keptIndex(file, place(), { ...defaultLimits, maxPackets: 2 })).toBeUndefined();
});
