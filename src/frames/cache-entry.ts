import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { FrameIndex, Seconds } from "../core/units.ts";
import type { RawFrames } from "../video/types.ts";

/**
 * One cached answer as a file: the pixels of every frame one after another, then the JSON that describes them, then
 * the JSON's length (uint32) and eight letters. What was not finished has no such end and is no entry.
 */
const ending = Buffer.from("VPFRAME1");
const footBytes = 4 + ending.length;
const chunkBytes = 4 << 20;

interface Description {
  readonly width: number;
  readonly height: number;
  readonly indices: readonly number[];
  readonly timesSeconds: readonly number[];
  readonly repeated: readonly number[];
}

/** Writes an entry chunk by chunk; it counts only after `finish`. */
export class EntryWriter {
  #handle: number;
  #description: {
    width: number;
    height: number;
    indices: number[];
    timesSeconds: number[];
    repeated: number[];
  };
  constructor(file: string) {
    this.#handle = openSync(file, "wx");
    this.#description = { width: 0, height: 0, indices: [], timesSeconds: [], repeated: [] };
  }
  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
  }
  /** Adds a chunk. */
  add(chunk: RawFrames): void {
    const description = this.#description;
    description.width = chunk.width;
    description.height = chunk.height;
    for (const { index, timeSeconds } of chunk.frames) {
      description.indices.push(index);
      description.timesSeconds.push(timeSeconds);
    }
    description.repeated.push(...(chunk.repeated ?? []));
    this.#write(chunk.pixels);
  }
  /** Completes the entry. */
  finish(): void {
    const json = Buffer.from(JSON.stringify(this.#description));
    const foot = Buffer.alloc(4);
    foot.writeUInt32LE(json.length);
    this.#write(Buffer.concat([json, foot, ending]));
    this.close();
  }
  /** Releases the file, finished or not. */
  close(): void {
    if (this.#handle >= 0) closeSync(this.#handle);
    this.#handle = -1;
  }
}

const readAt = (handle: number, length: number, position: number): Buffer | undefined => {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const count = readSync(handle, bytes, at, length - at, position + at);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
};

const describe = (handle: number): Description | undefined => {
  const { size } = fstatSync(handle);
  if (size < footBytes) return undefined;
  const foot = readAt(handle, footBytes, size - footBytes);
  if (foot === undefined || !foot.subarray(4).equals(ending)) return undefined;
  const jsonBytes = foot.readUInt32LE(0);
  if (jsonBytes > size - footBytes) return undefined;
  const json = readAt(handle, jsonBytes, size - footBytes - jsonBytes);
  if (json === undefined) return undefined;
  const description = JSON.parse(json.toString()) as Description;
  const pixels = description.indices.length * description.width * description.height * 3;
  return pixels + jsonBytes + footBytes === size ? description : undefined;
};

/** An entry that is open for reading; stays readable even if another process evicts it. */
export interface OpenEntry {
  chunks(): Generator<RawFrames>;
  close(): void;
}

/** Opens an entry; undefined when there is none or it is damaged. */
export const openEntry = (file: string): OpenEntry | undefined => {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return undefined;
  }
  const close = (): void => closeSync(handle);
  let found: Description | undefined;
  try {
    found = describe(handle);
  } catch {
    found = undefined;
  }
  if (found === undefined) {
    close();
    return undefined;
  }
  const description = found;
  return {
    close,
    *chunks() {
      const { width, height, indices, timesSeconds } = description;
      const frameBytes = width * height * 3;
      const perChunk = Math.max(1, Math.floor(chunkBytes / frameBytes));
      const repeated = new Set(description.repeated);
      for (let from = 0; from < indices.length; from += perChunk) {
        const count = Math.min(perChunk, indices.length - from);
        const bytes = readAt(handle, count * frameBytes, from * frameBytes);
        if (bytes === undefined) throw new Error("cache entry shrank while it was read");
        const part = indices.slice(from, from + count);
        const again = part.filter((index) => repeated.has(index));
        yield {
          pixels: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
          frames: part.map((index, i) => ({
            index: index as FrameIndex,
            timeSeconds: timesSeconds[from + i]! as Seconds,
          })),
          width,
          height,
          ...(again.length > 0 && { repeated: again }),
        };
      }
    },
  };
};
