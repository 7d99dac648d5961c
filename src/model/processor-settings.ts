import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import type { PatchSettings } from "../frames/patches.ts";
import type { PixelLimits } from "../frames/smart-resize.ts";
import { type Fields, fieldsOf } from "./config-fields.ts";

/**
 * What a checkpoint says about its pictures. Its limits hold whatever a message asks for: a picture that lies outside
 * is resized a second time.
 */
export interface ProcessorSettings extends PatchSettings {
  readonly imageLimits: PixelLimits;
  readonly videoLimits: PixelLimits;
}

const colours = (json: unknown, name: string, where: string): readonly [number, number, number] => {
  const list = (json as Record<string, unknown>)[name];
  const fits = Array.isArray(list) && list.length === 3 && list.every((value) => Number.isFinite(value));
  if (!fits)
    throw new DataFormatError("image processor", { where: `${where}, ${name}`, expected: "three numbers" });
  const [red, green, blue] = list as [number, number, number];
  return [red, green, blue];
};

/** Limits of transformers' classes for files that say nothing, `Qwen2VLImageProcessor` and `Qwen2VLVideoProcessor`. */
const classLimits: Readonly<Record<"image" | "video", PixelLimits>> = {
  image: { minPixels: 3136, maxPixels: 1280 * 784 },
  video: { minPixels: 128 * 784, maxPixels: 768 * 784 },
};

/**
 * `min_pixels` and `max_pixels` come before `size`, which has edges or, in early files, the same two names; what is not said
 * is the class's default.
 *
 * @throws {ConfigError} for a size of another kind, and for limits that leave nothing between them
 */
const limitsOf = (fields: Fields, defaults: PixelLimits): PixelLimits => {
  const size = fields.has("size") ? fields.nested("size") : undefined;
  const said = (name: string, edge: string): number | undefined => {
    if (fields.has(name)) return fields.count(name);
    const inside = [edge, name].find((one) => size?.has(one) === true);
    return inside === undefined ? undefined : size!.count(inside);
  };
  if (size !== undefined && ["height", "width"].some((side) => size.has(side)))
    throw fields.wrong("size", "shortest_edge and longest_edge, in pixels");
  const fewest = said("min_pixels", "shortest_edge");
  const most = said("max_pixels", "longest_edge");
  // One that is said may lie beyond the other's default: it holds, as in transformers.
  if (fewest !== undefined && most !== undefined && fewest > most)
    throw fields.wrong(
      fields.has("max_pixels") ? "max_pixels" : "size",
      `at least the fewest pixels, ${fewest}`,
      `${most}`,
    );
  return { minPixels: fewest ?? defaults.minPixels, maxPixels: most ?? defaults.maxPixels };
};

/** A JSON object and the file that it stands in. */
interface Source {
  readonly json: unknown;
  readonly file: string;
}

/**
 * Where a processor's fields stand: inside `processor_config.json` (5.x), else in the first of the files that is
 * there.
 * @source transformers 5.23, `get_video_processor_dict` and `get_image_processor_dict`
 */
const sourceOf = (folder: string, nested: string, files: readonly string[]): Source | undefined => {
  const whole = join(folder, "processor_config.json");
  if (existsSync(whole)) {
    const inner = (readJsonFile(whole) as Readonly<Record<string, unknown>> | null)?.[nested];
    if (inner !== undefined && inner !== null) return { json: inner, file: `${whole}, ${nested}` };
  }
  const file = files.map((name) => join(folder, name)).find((path) => existsSync(path));
  return file === undefined ? undefined : { json: readJsonFile(file), file };
};

/**
 * Reads what a checkpoint's files say about images and videos; a file for images counts for videos too unless there
 * is one for them.
 *
 * @throws {DataFormatError} when there is no image processor
 * @throws {ConfigError} for ill-typed fields
 */
export const loadProcessorSettings = (folder: string): ProcessorSettings => {
  const images = sourceOf(folder, "image_processor", ["preprocessor_config.json"]);
  if (images === undefined)
    throw new DataFormatError("no image processor", { where: join(folder, "preprocessor_config.json") });
  const files = ["video_preprocessor_config.json", "preprocessor_config.json"];
  const videos = sourceOf(folder, "video_processor", files) ?? images;
  const fields = fieldsOf(images.json, images.file);
  return {
    patchSize: fields.count("patch_size"),
    temporalPatchSize: fields.count("temporal_patch_size"),
    mergeSize: fields.count("merge_size"),
    imageMean: colours(images.json, "image_mean", images.file),
    imageStd: colours(images.json, "image_std", images.file),
    imageLimits: limitsOf(fields, classLimits.image),
    videoLimits: limitsOf(fieldsOf(videos.json, videos.file), classLimits.video),
  };
};
