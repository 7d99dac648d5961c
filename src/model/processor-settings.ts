import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DataFormatError, UnsupportedError } from "../core/errors.ts";
import { readJsonFile } from "../core/files.ts";
import { channelMean, channelStd } from "../frames/patch-bytes.ts";
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
  /** Mean and deviation of videos where they have their own. */
  readonly videoColours?: Colours;
}

type Colours = Pick<PatchSettings, "imageMean" | "imageStd">;

/** How pictures of a kind become rows of numbers. */
export const patchSettings = (settings: ProcessorSettings, kind: "image" | "video"): PatchSettings =>
  kind === "video" && settings.videoColours !== undefined
    ? { ...settings, ...settings.videoColours }
    : settings;

/** Three numbers, or one for all colours; what is not said is `fallback`. */
const colour = (
  { json, file }: Source,
  name: string,
  fallback: readonly [number, number, number],
): readonly [number, number, number] => {
  const given = (json as Record<string, unknown>)[name];
  if (given === undefined || given === null) return fallback;
  const list: unknown = typeof given === "number" ? [given, given, given] : given;
  const fits = Array.isArray(list) && list.length === 3 && list.every((value) => Number.isFinite(value));
  if (!fits)
    throw new DataFormatError("image processor", { where: `${file}, ${name}`, expected: "three numbers" });
  const [red, green, blue] = list as [number, number, number];
  return [red, green, blue];
};

/**
 * Mean and deviation in units of the full range that give what the file asks for: another factor than 1 / 255, none, or
 * numbers that are not normalised.
 */
const coloursOf = (source: Source, fields: Fields): Colours => {
  const isNormalized = fields.flag("do_normalize", true);
  const imageMean = isNormalized ? colour(source, "image_mean", channelMean) : ([0, 0, 0] as const);
  const imageStd = isNormalized ? colour(source, "image_std", channelStd) : ([1, 1, 1] as const);
  const isRescaled = fields.flag("do_rescale", true);
  const factor = isRescaled
    ? fields.has("rescale_factor")
      ? fields.positive("rescale_factor")
      : 1 / 255
    : 1;
  if (factor === 1 / 255) return { imageMean, imageStd };
  const full = ([red, green, blue]: readonly [number, number, number]): [number, number, number] => {
    const range = 255 * factor;
    return [red / range, green / range, blue / range];
  };
  return { imageMean: full(imageMean), imageStd: full(imageStd) };
};

/** Pillow's number of the bicubic filter, the only one in which the second resize is done. */
const bicubic = 3;

const checkFilter = (fields: Fields): void => {
  if (!fields.has("resample") || fields.index("resample") === bicubic) return;
  throw new UnsupportedError("filter of the image processor's resize", {
    where: `${fields.where}, resample`,
    expected: `${bicubic} (bicubic), with which Qwen's models were trained`,
    got: `${fields.index("resample")}`,
    hint: `set it to ${bicubic}, or take the line out`,
  });
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
  if (!fields.flag("do_resize", true)) return { minPixels: 1, maxPixels: Number.MAX_SAFE_INTEGER };
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

/** Sizes of patches that the classes have where a file does not say them. */
const classSizes = { patch_size: 14, temporal_patch_size: 2, merge_size: 2 } as const;
type SizeName = keyof typeof classSizes;

const sizeOf = (fields: Fields, name: SizeName): number =>
  fields.has(name) ? fields.count(name) : classSizes[name];

/** A model has one way to cut patches: the files for images and for videos must agree on it. */
const checkSameSizes = (images: Fields, videos: Fields): void => {
  for (const name of Object.keys(classSizes) as SizeName[]) {
    if (sizeOf(videos, name) === sizeOf(images, name)) continue;
    throw videos.wrong(
      name,
      `${sizeOf(images, name)} as for images (${images.where})`,
      `${sizeOf(videos, name)}`,
    );
  }
};

/**
 * Reads what a checkpoint's files say about images and videos; a file for images counts for videos too unless there
 * is one for them. What is not said is as in transformers' classes.
 *
 * @throws {DataFormatError} when there is no image processor
 * @throws {ConfigError} for ill-typed fields, and where images and videos are cut differently
 * @throws {UnsupportedError} for another filter than bicubic
 */
export const loadProcessorSettings = (folder: string): ProcessorSettings => {
  const images = sourceOf(folder, "image_processor", ["preprocessor_config.json"]);
  if (images === undefined)
    throw new DataFormatError("no image processor", { where: join(folder, "preprocessor_config.json") });
  const files = ["video_preprocessor_config.json", "preprocessor_config.json"];
  const videos = sourceOf(folder, "video_processor", files) ?? images;
  const ofImages = fieldsOf(images.json, images.file);
  const ofVideos = fieldsOf(videos.json, videos.file);
  checkSameSizes(ofImages, ofVideos);
  for (const fields of [ofImages, ofVideos]) checkFilter(fields);
  const colours = coloursOf(images, ofImages);
  const videoColours = coloursOf(videos, ofVideos);
  return {
    patchSize: sizeOf(ofImages, "patch_size"),
    temporalPatchSize: sizeOf(ofImages, "temporal_patch_size"),
    mergeSize: sizeOf(ofImages, "merge_size"),
    ...colours,
    imageLimits: limitsOf(ofImages, classLimits.image),
    videoLimits: limitsOf(ofVideos, classLimits.video),
    ...(isDeepStrictEqual(colours, videoColours) ? {} : { videoColours }),
  };
};
