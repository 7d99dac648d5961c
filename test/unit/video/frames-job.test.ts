import fc from "fast-check";
import { expect, test } from "vitest";
import type { Backend, ClipIndex } from "../../../src/video/backend/backend.ts";
import { framesFromPackets } from "../../../src/video/frame-table.ts";
import { defaultLimits } from "../../../src/video/limits.ts";
import { orientationOf } from "../../../src/video/orientation.ts";
import { PacketTable } from "../../../src/video/packet-table.ts";
import { framesJob } from "../../../src/video/worker/frames-job.ts";

const clipOf = (count: number): ClipIndex => {
  const packets = new PacketTable();
  for (let i = 0; i < count; i++) packets.add(i, i, 1, -1, 1);
  return {
    file: "clip",
    facts: {
      opening: {},
      streamId: undefined,
      container: "mov",
      streams: [],
      streamIndex: 0,
      codec: "h264",
      codedWidth: 1,
      codedHeight: 1,
      colour: { pixelFormat: "rgb24", matrix: undefined, range: undefined },
      transfer: undefined,
      orientation: orientationOf(undefined),
      sampleAspectRatio: [1, 1],
      timeBase: [1, 25],
      reorderDepth: 0,
    },
    packets,
    frames: framesFromPackets(packets, "mov"),
    faults: [],
    sizes: [],
    notes: [],
  };
};

/** Gives one-pixel pictures that show their number, in the order of `given`. */
const backendGiving = (given: readonly number[]): Pick<Backend, "decode" | "appliesFilters"> => ({
  appliesFilters: true,
  decode: async (_clip, order) => {
    for (const frame of given) await order.deliver(frame, Uint8Array.of(frame, frame, frame), 1, 1);
    return { faults: [] };
  },
});

test("every frame asked for comes once, in order, whatever a decoder leaves out, repeats or finds late", async () => {
  const given = fc.array(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(given, async (order) => {
      const indices: number[] = [];
      const repeated: number[] = [];
      const shown: number[] = [];
      await framesJob(
        backendGiving(order) as Backend,
        clipOf(20),
        { select: { kind: "all" } },
        1,
        defaultLimits,
        async (chunk) => {
          indices.push(...chunk.indices);
          repeated.push(...chunk.repeated);
          for (let i = 0; i < chunk.indices.length; i++) shown.push(chunk.pixels[i * 3]!);
          return true;
        },
        () => {},
      );
      expect(indices).toEqual(Array.from({ length: 20 }, (_, i) => i));
      for (const index of indices) expect(repeated.includes(index)).toBe(shown[index] !== index);
    }),
  );
});

test("chunks of the next job lie in the memory of the last one", async () => {
  const places = new Set<ArrayBufferLike>();
  for (let job = 0; job < 3; job++)
    await framesJob(
      backendGiving([...Array(20).keys()]),
      clipOf(20),
      { select: { kind: "all" } },
      1,
      defaultLimits,
      async ({ pixels }) => {
        places.add(pixels.buffer);
        return true;
      },
      () => {},
    );
  expect(places.size).toBe(1);
});
