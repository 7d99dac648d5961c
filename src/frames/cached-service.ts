import { sha256 } from "../core/files.ts";
import { localFile } from "../video/local-file.ts";
import type { VideoService } from "../video/service.ts";
import type { DecoderIdentity, VideoInfo } from "../video/types.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { type ContentHash, fileState } from "./content-hash.ts";
import { FrameCache, type FrameCacheCounts } from "./frame-cache.ts";

/** A video service that keeps what it decoded. */
export interface CachedVideoService extends VideoService {
  counts(): FrameCacheCounts;
}

/** Descriptions of clips that are remembered in this process. */
const rememberedClips = 16;

/** Bytes that a new index is taken for when deciding how soon to look at the folder again; ten seconds have 10 kB. */
const assumedIndexBytes = 64 << 10;

/** Where a service keeps clip indices: to be given to `openVideoService` as `indexPath`. */
export const indexPathIn =
  (folder: CacheFolder, hashes: ContentHash) =>
  async (file: string, decoder: DecoderIdentity): Promise<string> => {
    const key = sha256(JSON.stringify(["index@2", await hashes.of(file), decoder]));
    const path = folder.fileOf(key, "index");
    if (!folder.touch(path)) folder.added(assumedIndexBytes);
    return path;
  };

/** `probe` and `frames` of the service through a cache; everything else as it is. */
export const cachedVideoService = (
  service: VideoService,
  options: {
    readonly folder: CacheFolder;
    readonly hashes: ContentHash;
    readonly onTrouble: (line: string) => void;
  },
): CachedVideoService => {
  const known = new Map<string, VideoInfo>();
  const probe = async (file: string, signal?: AbortSignal): Promise<VideoInfo> => {
    let state: string;
    try {
      state = fileState(localFile(file)).text;
    } catch {
      return service.probe(file, signal); // It has the words for a file that is not there.
    }
    const info = known.get(state) ?? (await service.probe(file, signal));
    known.delete(state);
    known.set(state, info);
    if (known.size > rememberedClips) known.delete(known.keys().next().value!);
    return { ...info, file };
  };
  const decoder = (): Promise<DecoderIdentity> => service.decoder();
  const cache = new FrameCache(
    { probe, decoder, frames: (...request) => service.frames(...request) },
    options,
  );
  return {
    probe,
    decoder,
    // What is kept is looked at later.
    frames: (file, { lent: _, ...request }, signal) => cache.frames(file, request, signal),
    counts: () => cache.counts(),
    write: (...request) => service.write(...request),
    rewrite: (...request) => service.rewrite(...request),
    close: () => service.close(),
    [Symbol.asyncDispose]: () => service.close(),
  };
};
