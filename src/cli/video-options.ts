import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClipsOptions } from "../jobs/clips.ts";
import { decoderOption } from "./decoder-option.ts";

const units: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Bytes of "500MB", "4 GB", "1000000"; units are decimal. @throws {InvalidArgumentError} for anything else */
export const byteSize = (text: string): number => {
  const found = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*$/i.exec(text);
  const unit = units[found?.[2]?.toUpperCase() ?? "?"];
  if (found === null || unit === undefined)
    throw new InvalidArgumentError(`expected a size such as 500MB or 4GB; got "${text}"`);
  return Number(found[1]) * unit;
};

/** Pixels of "8192x4352". @throws {InvalidArgumentError} for anything else */
const pictureArea = (text: string): number => {
  const [width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text)?.slice(1).map(Number) ?? [];
  if (!width || !height) throw new InvalidArgumentError(`expected WIDTHxHEIGHT; got "${text}"`);
  return width * height;
};

/** Declares `--decoder`, `--max-picture`, `--cache-size` and `--no-cache`. */
export const videoOptions = (command: Command): void => {
  command
    .addOption(decoderOption())
    .option(
      "--max-picture <WxH>",
      "largest stored picture that is decoded, with the memory it takes (default 8192x4352)",
      pictureArea,
    )
    .addOption(
      new Option("--cache-size <size>", "most disk for kept frames; what was used longest ago goes first")
        .argParser(byteSize)
        .env("VIDEOPERCEIVER_CACHE_SIZE")
        .default(4e9, "4GB"),
    )
    .option("--no-cache", "neither read nor keep frames and scores");
};

/** What {@link videoOptions} say. */
export const chosenClips = (raw: Readonly<Record<string, unknown>>): ClipsOptions => {
  const { decoder, cache, cacheSize, maxPicture } = raw as unknown as ClipsOptions;
  return { decoder, cache, cacheSize, ...(maxPicture !== undefined && { maxPicture }) };
};
