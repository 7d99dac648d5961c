import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { PatchSettings } from "../frames/patches.ts";
import type { PixelLimits } from "../frames/smart-resize.ts";
import { type Fields, fieldsOf } from "./config-fields.ts";

/** What a checkpoint says about its pictures. `imageLimits` hold for images whose message names no limits. */
export interface ProcessorSettings extends PatchSettings {
  readonly imageLimits: PixelLimits;
}

const colours = (json: unknown, name: string, where: string): readonly [number, number, number] => {
  const list = (json as Record<string, unknown>)[name];
  const fits = Array.isArray(list) && list.length === 3 && list.every((value) => Number.isFinite(value));
  if (!fits)
    throw new DataFormatError("image processor", { where: `${where}, ${name}`, expected: "three numbers" });
  const [red, green, blue] = list as [number, number, number];
  return [red, green, blue];
};

const limitsOf = (fields: Fields): PixelLimits => {
  if (fields.has("min_pixels"))
    return { minPixels: fields.count("min_pixels"), maxPixels: fields.count("max_pixels") };
  const size = fields.nested("size");
  return { minPixels: size.count("shortest_edge"), maxPixels: size.count("longest_edge") };
};

/**
 * Reads `preprocessor_config.json` (hub, 4.x), or the image part of `processor_config.json` (5.x).
 *
 * @throws {DataFormatError} when neither is there
 * @throws {ConfigError} for missing or ill-typed fields
 */
export const loadProcessorSettings = (folder: string): ProcessorSettings => {
  const old = join(folder, "preprocessor_config.json");
  const file = existsSync(old) ? old : join(folder, "processor_config.json");
  if (!existsSync(file)) throw new DataFormatError("no image processor", { where: old });
  const json = readJsonFile(file);
  const inner = (json as { readonly image_processor?: unknown } | null)?.image_processor ?? json;
  const fields = fieldsOf(inner, file);
  return {
    patchSize: fields.count("patch_size"),
    temporalPatchSize: fields.count("temporal_patch_size"),
    mergeSize: fields.count("merge_size"),
    imageMean: colours(inner, "image_mean", file),
    imageStd: colours(inner, "image_std", file),
    imageLimits: limitsOf(fields),
  };
};

/** The settings of every released Qwen2.5-VL, for models of our own. */
export const releasedSettings: ProcessorSettings = {
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  imageMean: [0.48145466, 0.4578275, 0.40821073],
  imageStd: [0.26862954, 0.26130258, 0.27577711],
  imageLimits: { minPixels: 3136, maxPixels: 12_845_056 },
};

/** `preprocessor_config.json` of settings; the same numbers come back from {@link loadProcessorSettings}. */
export const writeProcessorSettings = (settings: ProcessorSettings): Record<string, unknown> => ({
  min_pixels: settings.imageLimits.minPixels,
  max_pixels: settings.imageLimits.maxPixels,
  patch_size: settings.patchSize,
  temporal_patch_size: settings.temporalPatchSize,
  merge_size: settings.mergeSize,
  image_mean: [...settings.imageMean],
  image_std: [...settings.imageStd],
  image_processor_type: "Qwen2VLImageProcessor",
  processor_class: "Qwen2_5_VLProcessor",
});
