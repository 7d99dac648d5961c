import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadProcessorSettings, type ProcessorSettings } from "../../../src/model/processor-settings.ts";

const folder = mkdtempSync(join(tmpdir(), "processor-"));
afterAll(() => rmSync(folder, { recursive: true }));
const base = {
  patch_size: 14,
  temporal_patch_size: 2,
  merge_size: 2,
  image_mean: [0, 0, 0],
  image_std: [1, 1, 1],
};
const read = (fields: Record<string, unknown>): ProcessorSettings => {
  writeFileSync(join(folder, "preprocessor_config.json"), JSON.stringify({ ...base, ...fields }));
  return loadProcessorSettings(folder);
};

test.each<[string, Record<string, unknown>, number, number]>([
  ["limits", { min_pixels: 3136, max_pixels: 50176 }, 3136, 50176],
  ["edges", { size: { shortest_edge: 3136, longest_edge: 50176 } }, 3136, 50176],
  ["the names of early files", { size: { min_pixels: 3136, max_pixels: 50176 } }, 3136, 50176],
  [
    "limits before a size",
    { max_pixels: 50176, size: { shortest_edge: 784, longest_edge: 9e6 } },
    784,
    50176,
  ],
  ["only the most, below the default fewest", { max_pixels: 50176 }, 128 * 784, 50176],
  ["no size", { size: null, max_pixels: 50176 }, 128 * 784, 50176],
])("%s", (_, fields, minPixels, maxPixels) => {
  expect(read(fields).videoLimits).toEqual({ minPixels, maxPixels });
});

test("a size of another kind, and limits that leave nothing between them, are named", () => {
  expect(() => read({ size: { height: 224, width: 224 } })).toThrow(
    /preprocessor_config\.json, size; expected shortest_edge and longest_edge/,
  );
  expect(() => read({ min_pixels: 50176, max_pixels: 3136 })).toThrow(
    /max_pixels; expected at least the fewest pixels, 50176; got 3136/,
  );
  expect(() => read({ size: { shortest_edge: 50176, longest_edge: 3136 } })).toThrow(
    /size; expected at least/,
  );
});
