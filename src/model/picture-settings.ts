import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError } from "../core/errors.ts";
import { readJsonFile, writeFileAtomic } from "../core/files.ts";
import { channelMean, channelStd } from "../frames/patch-bytes.ts";

/** The frames that a model was trained on, where all had one size and one rate. */
export interface PictureSettings {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

const file = "video_preprocessor_config.json";

const stored = z.object({
  fps: z.number().positive(),
  frame_width: z.number().int().positive(),
  frame_height: z.number().int().positive(),
});

/** Writes the settings as a hub processor's files; the names `frame_width` and `frame_height` are ours. */
export const writePictureSettings = (
  folder: string,
  { width, height, framesPerSecond }: PictureSettings,
): void => {
  const pictures = {
    patch_size: 14,
    temporal_patch_size: 2,
    merge_size: 2,
    min_pixels: width * height,
    max_pixels: width * height,
    image_mean: channelMean,
    image_std: channelStd,
  };
  const write = (name: string, content: unknown): void =>
    writeFileAtomic(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  write("preprocessor_config.json", { image_processor_type: "Qwen2VLImageProcessor", ...pictures });
  write(file, {
    video_processor_type: "Qwen2VLVideoProcessor",
    ...pictures,
    fps: framesPerSecond,
    frame_width: width,
    frame_height: height,
  });
};

/** Reads them back. @throws {DataFormatError} when the folder does not say how large its pictures are */
export const readPictureSettings = (folder: string): PictureSettings => {
  const where = join(folder, file);
  const parsed = existsSync(where) ? stored.safeParse(readJsonFile(where)) : undefined;
  if (parsed?.success !== true)
    throw new DataFormatError("checkpoint does not say how large its pictures are", {
      where,
      expected: "fps, frame_width, frame_height",
      hint: "train it again, or write the file by hand",
    });
  const { fps, frame_width: width, frame_height: height } = parsed.data;
  return { width, height, framesPerSecond: fps };
};
