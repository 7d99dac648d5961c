import { openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VideoError } from "../core/errors.ts";
import { chunkWindow, type PixelPlace } from "./protocol.ts";

/**
 * The file in which a worker hands its pixels over: the program opens it for both and takes its name away, so that it ends
 * with the two. A pipe gives megabytes away in pieces of 64 KB, a new memory and a turn of the event loop for each, and the
 * worker stands still until the program has time for them.
 */

/** Fewer bytes go through the pipe, with their message. */
const leastBytes = 1 << 16;

/** Memory as a file where the system has such a place; the folder for temporary files elsewhere. */
const folders = process.platform === "linux" ? ["/dev/shm", tmpdir()] : [tmpdir()];

let opened = 0;

/** Opens a file that has no name any more; undefined where that cannot be done: the pipe takes the pixels then. */
export const openPixelFile = (): number | undefined => {
  for (const folder of folders) {
    const path = join(folder, `videoperceiver-pixels-${process.pid}-${opened++}`);
    try {
      const handle = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      return handle;
    } catch {}
  }
  return undefined;
};

/** Puts the chunks of one job into the file: at as many places as may be under way, in turns. */
export class PixelWriter {
  readonly #handle: number;
  #usable = true;
  #chunks = 0;
  /** Bytes of the first chunk: others of the job are no larger, or go through the pipe. */
  #placeBytes = 0;
  constructor(handle: number) {
    this.#handle = handle;
  }
  /** Begins with another job: the program has read what came before. */
  restart(): void {
    this.#chunks = 0;
    this.#placeBytes = 0;
  }
  /** Where the pixels were put; undefined: they must go through the pipe. */
  put(pixels: Uint8Array): PixelPlace | undefined {
    if (this.#chunks === 0) this.#placeBytes = pixels.length;
    if (!this.#usable || pixels.length < leastBytes || pixels.length > this.#placeBytes) return undefined;
    const start = (this.#chunks % chunkWindow) * this.#placeBytes;
    try {
      for (let at = 0; at < pixels.length; )
        at += writeSync(this.#handle, pixels, at, pixels.length - at, start + at);
    } catch {
      // The place is full, or the file was not handed over.
      this.#usable = false;
      return undefined;
    }
    this.#chunks++;
    return { start, bytes: pixels.length };
  }
}

/**
 * Reads a chunk's pixels.
 *
 * @throws {VideoError} when the file has fewer bytes
 */
export const readPixels = (handle: number, { start, bytes }: PixelPlace, memory: Buffer): Buffer => {
  for (let at = 0; at < bytes; ) {
    const count = readSync(handle, memory, at, bytes - at, start + at);
    if (count === 0)
      throw new VideoError("a decoder's pixels are missing", {
        expected: `${bytes} bytes from ${start}`,
        got: `${at} bytes`,
      });
    at += count;
  }
  return memory;
};
