import { join } from "node:path";
import { cacheRoot } from "../core/cache-root.ts";
import { messageOf } from "../core/errors.ts";
import { CacheFolder } from "../frames/cache-folder.ts";
import { cachedVideoService, indexPathIn } from "../frames/cached-service.ts";
import { ContentHash } from "../frames/content-hash.ts";
import { limitsForPixels } from "../video/limits.ts";
import { localFile } from "../video/local-file.ts";
import { type DecoderChoice, openVideoService, type VideoService } from "../video/service.ts";

/** How clips are read. */
export interface ClipsOptions {
  readonly decoder: DecoderChoice;
  /** Keep frames and scores, and use those that were kept. */
  readonly cache: boolean;
  /** Bytes of kept frames. */
  readonly cacheSize: number;
  /** Pixels of the largest picture that is decoded; the service's own limit when left out. */
  readonly maxPicture?: number;
  /** Decoder processes; one a core when left out. */
  readonly workers?: number;
  /** Threads of a decoder that works alone; as many as there are processes when left out. */
  readonly threads?: number;
}

/** How a job reads clips. */
export interface Clips extends AsyncDisposable {
  /** Keeps what it decodes, unless the options say otherwise. */
  readonly video: VideoService;
  /** The same without keeping frames: for pictures that are needed once. */
  readonly direct: VideoService;
  /** Where scores are kept; undefined: nowhere. */
  readonly scoresFolder: string | undefined;
  /** Where answers of endpoints are kept by content; undefined: nowhere. */
  readonly answersFolder: string | undefined;
  /** Where features of pictures are kept, at most as many bytes as of frames; undefined: nowhere. */
  readonly features: { readonly folder: string; readonly bytes: number } | undefined;
  /** SHA-256 of a file, computed once for each state of it. */
  sha256(file: string): Promise<string>;
}

const openFolder = (options: ClipsOptions, warn: (line: string) => void): CacheFolder | undefined => {
  if (!options.cache) return undefined;
  try {
    return new CacheFolder(join(cacheRoot(), "frames"), options.cacheSize);
  } catch (error) {
    warn(`nothing is kept: ${messageOf(error)}`);
    return undefined;
  }
};

/** Opens what the options ask for. Nothing is started before it is used. */
export const openClips = (options: ClipsOptions, warn: (line: string) => void): Clips => {
  const folder = openFolder(options, warn);
  const hashes = new ContentHash(folder);
  const direct = openVideoService({
    decoder: options.decoder,
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.threads !== undefined && { threads: options.threads }),
    ...(options.maxPicture !== undefined && { limits: limitsForPixels(options.maxPicture) }),
    ...(folder && { indexPath: indexPathIn(folder, hashes) }),
  });
  const video =
    folder === undefined ? direct : cachedVideoService(direct, { folder, hashes, onTrouble: warn });
  const keptIn = (name: string): string | undefined =>
    folder === undefined ? undefined : join(cacheRoot(), name);
  return {
    video,
    direct,
    scoresFolder: keptIn("scores"),
    answersFolder: keptIn("answers"),
    features: folder && { folder: join(cacheRoot(), "features"), bytes: options.cacheSize },
    sha256: (file) => hashes.of(localFile(file)),
    [Symbol.asyncDispose]: () => direct.close(),
  };
};
