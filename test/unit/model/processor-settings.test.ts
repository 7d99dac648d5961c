import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { channelMean, channelStd, levelTables } from "../../../src/frames/patch-bytes.ts";
import { processorResize } from "../../../src/frames/smart-resize.ts";
import {
  loadProcessorSettings,
  type ProcessorSettings,
  patchSettings,
} from "../../../src/model/processor-settings.ts";

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

/** Both files as they stand; `video` none: the one for images counts for both. */
const readFiles = (image: unknown, video?: unknown): ProcessorSettings => {
  const inside = mkdtempSync(join(folder, "files-"));
  writeFileSync(join(inside, "preprocessor_config.json"), JSON.stringify(image));
  if (video !== undefined)
    writeFileSync(join(inside, "video_preprocessor_config.json"), JSON.stringify(video));
  return loadProcessorSettings(inside);
};

test("a file that says nothing is transformers' class: patches of 14, pairs of frames, units of 2, CLIP's colours", () => {
  const clip = { imageMean: [...channelMean], imageStd: [...channelStd] };
  const sizes = { patchSize: 14, temporalPatchSize: 2, mergeSize: 2 };
  expect(readFiles({})).toMatchObject({ ...sizes, ...clip });
  const nothing = { image_mean: null, image_std: null, patch_size: null, resample: null, do_resize: null };
  expect(readFiles(nothing)).toEqual(readFiles({}));
  expect(readFiles({ image_mean: 0.5, image_std: 0.25 })).toMatchObject({
    ...sizes,
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.25, 0.25, 0.25],
  });
  const own = readFiles({}, { size: { shortest_edge: 15680, longest_edge: 54880 } });
  expect(own.videoLimits).toEqual({ minPixels: 15680, maxPixels: 54880 });
  expect(own).toMatchObject({ ...sizes, ...clip });
  expect(own.videoColours).toBeUndefined();
});

/** The first numbers that transformers 5.23 makes of levels 106, 131 and 0 of red, with the fields given. */
test.each<[string, Record<string, unknown>, readonly [number, number, number]]>([
  ["nothing said", {}, [-0.24482937, 0.12013128, -1.79226255]],
  ["not normalised", { do_normalize: false }, [0.41568631, 0.51372552, 0]],
  ["another factor", { rescale_factor: 0.0078125 }, [1.29051447, 2.01758456, -1.79226255]],
  ["not rescaled", { do_rescale: false }, [392.80319214, 485.86813354, -1.79226255]],
  ["neither", { do_rescale: false, do_normalize: false }, [106, 131, 0]],
])("levels to numbers, %s, of images and of videos", (_, fields, expected) => {
  const close = (settings: ProcessorSettings, kind: "image" | "video"): void => {
    const { imageMean, imageStd } = patchSettings(settings, kind);
    const [red] = levelTables(imageMean, imageStd);
    [106, 131, 0].forEach((level, at) => {
      expect(red![level]! / (expected[at]! || 1)).toBeCloseTo(expected[at] === 0 ? 0 : 1, 5);
    });
  };
  close(readFiles(fields), "image");
  close(readFiles(fields), "video");
  close(readFiles({ image_mean: 0.5, image_std: 0.5 }, fields), "video");
  close(readFiles(fields, { image_mean: 0.5, image_std: 0.5 }), "image");
});

test("no resize leaves every size", () => {
  const { imageLimits } = readFiles({ do_resize: false, max_pixels: 3136 });
  expect(processorResize({ width: 2800, height: 28 }, imageLimits, 28)).toEqual({ width: 2800, height: 28 });
});

test("another filter, and patches that differ between images and videos, are named", () => {
  expect(() => readFiles({ resample: 2 })).toThrow(/preprocessor_config\.json, resample; expected 3.*got 2/);
  expect(() => readFiles({ resample: 3 }, { resample: 1 })).toThrow(
    /video_preprocessor_config\.json, resample/,
  );
  expect(() => readFiles({}, { patch_size: 16 })).toThrow(
    /video_preprocessor_config\.json, patch_size; expected 14 as for images .*; got 16/,
  );
});
