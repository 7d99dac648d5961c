import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../core/errors.ts";
import { CacheFolder } from "../frames/cache-folder.ts";
import { cachedVideoService, indexPathIn } from "../frames/cached-service.ts";
import { ContentHash } from "../frames/content-hash.ts";
import { limitsForPixels } from "../video/limits.ts";
import { localFile } from "../video/local-file.ts";
import { type DecoderChoice, openVideoService, type VideoService } from "../video/service.ts";

/** Options of every command that decodes, as commander parses them. */
export interface VideoOptions {
  readonly decoder: DecoderChoice;
  readonly cache: boolean;
  /** Bytes. */
  readonly cacheSize: number;
  /** Pixels. */
  readonly maxPicture?: number;
}

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

/** Where everything is kept that can be made again; `VIDEOPERCEIVER_CACHE` names another place. */
export const cacheRoot = (): string =>
  process.env["VIDEOPERCEIVER_CACHE"] || join(homedir(), ".cache", "videoperceiver");

/** Declares `--decoder`, `--max-picture`, `--cache-size` and `--no-cache`. */
export const videoOptions = (command: Command): void => {
  command
    .addOption(
      new Option("--decoder <name>", "who decodes; auto: node-av if it can be loaded, else ffmpeg")
        .choices(["auto", "node-av", "ffmpeg"])
        .default("auto"),
    )
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

/** How a command reads clips. */
export interface Clips extends AsyncDisposable {
  /** Keeps what it decodes, unless the options say otherwise. */
  readonly video: VideoService;
  /** The same without keeping frames: for pictures that are needed once. */
  readonly direct: VideoService;
  /** SHA-256 of a file, computed once for each state of it. */
  sha256(file: string): Promise<string>;
}

const openFolder = (options: VideoOptions, warn: (line: string) => void): CacheFolder | undefined => {
  if (!options.cache) return undefined;
  try {
    return new CacheFolder(join(cacheRoot(), "frames"), options.cacheSize);
  } catch (error) {
    warn(`nothing is kept: ${messageOf(error)}`);
    return undefined;
  }
};

/** Opens what the options ask for. Nothing is started before it is used. */
export const openClips = (raw: Readonly<Record<string, unknown>>): Clips => {
  const options = raw as unknown as VideoOptions;
  const warn = (line: string): void => void process.stderr.write(`warning: ${line}\n`);
  const folder = openFolder(options, warn);
  const hashes = new ContentHash(folder);
  const direct = openVideoService({
    decoder: options.decoder,
    ...(options.maxPicture !== undefined && { limits: limitsForPixels(options.maxPicture) }),
    ...(folder && { indexPath: indexPathIn(folder, hashes) }),
  });
  const video =
    folder === undefined ? direct : cachedVideoService(direct, { folder, hashes, onTrouble: warn });
  return {
    video,
    direct,
    sha256: (file) => hashes.of(localFile(file)),
    [Symbol.asyncDispose]: () => direct.close(),
  };
};
