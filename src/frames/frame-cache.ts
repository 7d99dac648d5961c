import { rmSync } from "node:fs";
import { VideoPerceiverError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { wantedSize } from "../video/frame-size.ts";
import { localFile } from "../video/local-file.ts";
import type { FrameRequest } from "../video/request.ts";
import { resolveRequest } from "../video/resolve-request.ts";
import type { VideoService } from "../video/service.ts";
import type { RawFrames } from "../video/types.ts";
import { CacheTrouble, openEntry } from "./cache-entry.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { type ContentHash, fileState } from "./content-hash.ts";
import type { FrameSource } from "./read-frames.ts";
import { Recording } from "./recording.ts";

/** Answers larger than this share of the folder's limit are decoded and not kept. */
const largestShare = 1 / 8;

/** How a frame cache works. */
export interface FrameCacheOptions {
  readonly folder: CacheFolder;
  readonly hashes: ContentHash;
  /** Hears one line when the cache fails; the answer is decoded then. */
  readonly onTrouble: (line: string) => void;
}

/** What of a video service stands behind a cache. */
export type CachedPart = Pick<VideoService, "frames" | "decoder" | "probe">;

/** Where answers came from so far: from disk, from a decode that was kept (or shared), from one that was not kept. */
export interface FrameCacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly passed: number;
}

/** State of a file; undefined when it is gone. */
const stateIfThere = (file: string): string | undefined => {
  try {
    return fileState(localFile(file)).text;
  } catch {
    return undefined;
  }
};

/** Leaves out the first `count` frames of a stream. */
async function* withoutFirst(chunks: AsyncIterable<RawFrames>, count: number): AsyncGenerator<RawFrames> {
  let left = count;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.frames.length);
    left -= skipped;
    const frames = chunk.frames.slice(skipped);
    const repeated = (chunk.repeated ?? []).filter((index) => frames.some((frame) => frame.index === index));
    if (frames.length === 0) continue;
    const { width, height } = chunk;
    const pixels = chunk.pixels.subarray(skipped * width * height * 3);
    yield { pixels, frames, width, height, ...(repeated.length > 0 && { repeated }) };
  }
}

/**
 * A cache in front of a video service: frames kept by the content of the file, the chosen frames, their size and the
 * decoder's version. Equal requests that overlap in this process share one decode; a damaged entry is removed, told and
 * decoded anew. Streams larger than an eighth of the folder's limit pass through.
 */
export class FrameCache implements FrameSource {
  readonly #service: CachedPart;
  readonly #options: FrameCacheOptions;
  /** Decodes under way, by key. */
  readonly #running = new Map<string, Recording>();
  readonly #counts = { hits: 0, misses: 0, passed: 0 };

  constructor(service: CachedPart, options: FrameCacheOptions) {
    this.#service = service;
    this.#options = options;
  }

  counts(): FrameCacheCounts {
    return { ...this.#counts };
  }

  async *frames(file: string, request: FrameRequest, signal?: AbortSignal): AsyncGenerator<RawFrames> {
    const { folder, onTrouble } = this.#options;
    const key = await this.#keyOf(file, request, signal);
    if (key === undefined) {
      this.#counts.passed++;
      yield* this.#service.frames(file, request, signal);
      return;
    }
    let given = 0;
    try {
      for await (const chunk of this.#kept(key, file, request, signal)) {
        yield chunk;
        given += chunk.frames.length;
      }
    } catch (error) {
      if (!(error instanceof CacheTrouble)) throw error;
      onTrouble(`cache: ${error.message}; decoding ${file} anew`);
      rmSync(folder.fileOf(key, "frames"), { force: true });
      yield* withoutFirst(this.#service.frames(file, request, signal), given);
    }
  }

  /** The entry's name, or undefined for what is not kept. @throws what `probe` throws for a file that is no clip */
  async #keyOf(
    file: string,
    request: FrameRequest,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { folder, hashes } = this.#options;
    const info = await this.#service.probe(file, signal);
    let frames: Int32Array;
    let size: { width: number; height: number };
    try {
      frames = resolveRequest(request, info.timeline, info.durationSeconds);
      size = wantedSize(info, request.size);
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
      return undefined; // The service has the words for a request that cannot be met.
    }
    const { width, height } = size;
    const bytes = frames.length * width * height * 3;
    if (frames.length === 0 || bytes > folder.limitBytes * largestShare) return undefined;
    const content = await hashes.of(localFile(file));
    const resizer = request.resizer ?? "pillow";
    return sha256(JSON.stringify(["frames@2", content, info.decoder, width, height, resizer, ...frames]));
  }

  /** From disk, from a decode under way, or from a new one. @throws {CacheTrouble} */
  async *#kept(
    key: string,
    file: string,
    request: FrameRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RawFrames> {
    const { folder } = this.#options;
    const path = folder.fileOf(key, "frames");
    const shared = this.#running.get(key);
    if (shared?.open === true) {
      this.#counts.hits++;
      yield* shared.read(signal);
      return;
    }
    const entry = openEntry(path);
    if (entry === undefined) {
      this.#counts.misses++;
      yield* this.#record(key, path, file, request).read(signal);
      return;
    }
    this.#counts.hits++;
    folder.touch(path);
    try {
      for (const chunk of entry.chunks()) {
        signal?.throwIfAborted();
        yield chunk;
      }
    } finally {
      entry.close();
    }
  }

  /** Starts a decode into an entry. */
  #record(key: string, entry: string, file: string, request: FrameRequest): Recording {
    const { folder, onTrouble } = this.#options;
    const before = stateIfThere(file);
    const recording: Recording = new Recording({
      file: entry,
      temporary: folder.temporaryOf(entry),
      decode: (signal) => this.#service.frames(file, request, signal),
      mayKeep: () => before !== undefined && stateIfThere(file) === before,
      onEnd: (bytes, trouble) => {
        if (this.#running.get(key) === recording) this.#running.delete(key);
        if (bytes > 0) folder.added(bytes);
        if (trouble !== undefined) onTrouble(`frames of ${file} are not kept: ${trouble.message}`);
      },
    });
    this.#running.set(key, recording);
    return recording;
  }
}
