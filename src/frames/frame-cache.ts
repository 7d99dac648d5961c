import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { sha256, sha256OfFile } from "../core/files.ts";
import { nowMilliseconds } from "../core/progress.ts";
import type { FrameRequest } from "../video/request.ts";
import type { VideoService } from "../video/service.ts";
import type { RawFrames } from "../video/types.ts";
import { EntryWriter, openEntry } from "./cache-entry.ts";
import type { FrameSource } from "./read-frames.ts";

/** How a frame cache works. */
export interface FrameCacheOptions {
  readonly folder: string;
  /** Bytes on disk; the entries that were used longest ago go first. Default 4 GB. */
  readonly limitBytes?: number;
}

/** How often the cache had the answer. */
export interface FrameCacheCounts {
  readonly hits: number;
  readonly misses: number;
}

/** Frames kept by the content of the file, the request and the decoder's version. */
export interface FrameCache extends FrameSource {
  /** Hits and misses so far. */
  counts(): FrameCacheCounts;
}

const wallSeconds = (): number => (performance.timeOrigin + nowMilliseconds()) / 1000;

/** Text with the keys of every object in order, so that equal requests are equal. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** Removes what was used longest ago until the folder is a tenth under its limit. */
const evict = (folder: string, limitBytes: number): void => {
  const entries: { path: string; bytes: number; used: number }[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(".frames")) continue;
    try {
      const { size, mtimeMs } = statSync(join(folder, name));
      entries.push({ path: join(folder, name), bytes: size, used: mtimeMs });
    } catch {}
  }
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limitBytes) return;
  entries.sort((a, b) => a.used - b.used);
  for (const { path, bytes } of entries) {
    if (total <= limitBytes * 0.9) break;
    rmSync(path, { force: true });
    total -= bytes;
  }
};

/**
 * A cache in front of a video service. Processes share the folder safely: an entry appears by renaming and is whole;
 * whoever reads one keeps it open while another evicts it. Inside one process equal requests that overlap decode once.
 */
export const openFrameCache = (
  service: Pick<VideoService, "frames" | "decoder">,
  options: FrameCacheOptions,
): FrameCache => {
  const { folder } = options;
  const limitBytes = options.limitBytes ?? 4e9;
  mkdirSync(folder, { recursive: true });
  const hashes = new Map<string, Promise<string>>();
  const running = new Map<string, Promise<void>>();
  let serial = 0;
  let hits = 0;
  let misses = 0;
  const keyOf = async (file: string, request: FrameRequest): Promise<string> => {
    const { size, mtimeMs, ino } = statSync(file);
    const state = `${file}\0${size}\0${mtimeMs}\0${ino}`;
    let hash = hashes.get(state);
    if (hash === undefined) {
      hash = sha256OfFile(file);
      hashes.set(state, hash);
    }
    return sha256(canonical([await hash, request, await service.decoder()]));
  };
  const fromDisk = (path: string): ReturnType<typeof openEntry> => {
    const entry = openEntry(path);
    const now = wallSeconds();
    if (entry !== undefined)
      try {
        utimesSync(path, now, now);
      } catch {}
    return entry;
  };
  async function* decode(
    path: string,
    file: string,
    request: FrameRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RawFrames> {
    const temporary = `${path}.${process.pid}.${serial++}.tmp`;
    const writer = new EntryWriter(temporary);
    try {
      for await (const chunk of service.frames(file, request, signal)) {
        writer.add(chunk);
        yield chunk;
      }
      writer.finish();
      renameSync(temporary, path);
      evict(folder, limitBytes);
    } finally {
      writer.close();
      rmSync(temporary, { force: true });
    }
  }
  async function* frames(
    file: string,
    request: FrameRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<RawFrames> {
    let known = true;
    try {
      statSync(file);
    } catch {
      known = false;
    }
    // The service has the clearer words for a file that is not there.
    if (!known) {
      yield* service.frames(file, request, signal);
      return;
    }
    const key = await keyOf(file, request);
    const path = join(folder, `${key}.frames`);
    while (running.has(key)) await running.get(key);
    const entry = fromDisk(path);
    if (entry !== undefined) {
      hits++;
      try {
        yield* entry.chunks();
      } finally {
        entry.close();
      }
      return;
    }
    misses++;
    let release = (): void => {};
    running.set(
      key,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    try {
      yield* decode(path, file, request, signal);
    } finally {
      running.delete(key);
      release();
    }
  }
  return { frames, counts: () => ({ hits, misses }) };
};
