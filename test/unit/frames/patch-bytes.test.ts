import fc from "fast-check";
import { expect, test } from "vitest";
import { channelMean, channelStd, normalizePatches, stepPatches } from "../../../src/frames/patch-bytes.ts";
import { patchesFrom } from "../../../src/frames/patches.ts";

const shape = fc.record({
  steps: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 3 }),
  columns: fc.integer({ min: 1, max: 3 }),
  patchSize: fc.integer({ min: 1, max: 4 }),
  mergeSize: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 3 }),
  seed: fc.integer({ min: 0, max: 255 }),
});

test("bytes of steps, normalised, are the processor's patches to the last bit", () => {
  fc.assert(
    fc.property(shape, ({ steps, rows, columns, patchSize, mergeSize, depth, seed }) => {
      const [height, width] = [rows * patchSize * mergeSize, columns * patchSize * mergeSize];
      const size = height * width * 3;
      const pixels = Uint8Array.from({ length: steps * depth * size }, (_, i) => (i * 167 + seed) % 256);
      const { grid, rows_PX } = patchesFrom(pixels, steps * depth, height, width, {
        patchSize,
        temporalPatchSize: depth,
        mergeSize,
        imageMean: channelMean,
        imageStd: channelStd,
      });
      expect(grid).toEqual([steps, rows * mergeSize, columns * mergeSize]);
      const floats = new Float32Array(rows_PX.length);
      for (let step = 0; step < steps; step++) {
        const frames = Array.from({ length: depth }, (_, t) => {
          const from = (step * depth + t) * size;
          return pixels.subarray(from, from + size);
        });
        const bytes = new Uint8Array(depth * size);
        stepPatches(frames, width, height, { patchSize, spatialMergeSize: mergeSize }, bytes);
        normalizePatches(bytes, depth * patchSize ** 2, floats, step * bytes.length);
      }
      expect(floats).toEqual(rows_PX);
    }),
  );
});
