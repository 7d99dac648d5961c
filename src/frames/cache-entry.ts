import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { FrameIndex, Seconds } from "../core/units.ts";
import type { RawFrames } from "../video/types.ts";

/**
 * One cached answer as a file: the pixels of every frame one after another, then the JSON that describes them, then
 * the JSON's length and checksum (uint32 each) and eight letters. What was not finished has no such end and is no
 * entry. Every frame has its checksum too.
 */
const ending = Buffer.from("VPFRAME2");
const footBytes = 8 + ending.length;
const chunkBytes = 4 << 20;

/** What an entry holds besides pixels: one index, time (s) and CRC-32 a frame, and which of them repeat a neighbour. */
interface Description {
  readonly width: number;
  readonly height: number;
  readonly indices: readonly number[];
  readonly timesSeconds: readonly number[];
  readonly checksums: readonly number[];
  readonly repeated: readonly number[];
}

/** The cache's own trouble (a damaged entry, a full disk): the answer itself can still be decoded. */
export class CacheTrouble extends Error {
  override readonly name = "CacheTrouble";
}

const readAt = (handle: number, length: number, position: number): Buffer | undefined => {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const count = readSync(handle, bytes, at, length - at, position + at);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
};

/** Frames `from` and following, a few megabytes of them. @throws {CacheTrouble} when they are not what was written */
const readChunk = (handle: number, description: Description, from: number): RawFrames => {
  const { width, height, indices, timesSeconds, checksums } = description;
  const frameBytes = width * height * 3;
  const count = Math.min(Math.max(1, Math.floor(chunkBytes / frameBytes)), indices.length - from);
  const pixels = readAt(handle, count * frameBytes, from * frameBytes);
  if (pixels === undefined) throw new CacheTrouble("an entry is shorter than it says");
  for (let i = 0; i < count; i++)
    if (crc32(pixels.subarray(i * frameBytes, (i + 1) * frameBytes)) !== checksums[from + i])
      throw new CacheTrouble("pixels of an entry are damaged");
  const part = indices.slice(from, from + count);
  const repeated = part.filter((index) => description.repeated.includes(index));
  return {
    pixels: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length),
    frames: part.map((index, i) => ({
      index: index as FrameIndex,
      timeSeconds: timesSeconds[from + i]! as Seconds,
    })),
    width,
    height,
    ...(repeated.length > 0 && { repeated }),
  };
};

/** An entry that is being written and may be read at the same time; it counts only after `finish`. */
export class EntryWriter {
  #handle: number;
  #width = 0;
  #height = 0;
  #indices: number[] = [];
  #timesSeconds: number[] = [];
  #checksums: number[] = [];
  #repeated: number[] = [];
  /** Bytes written so far. */
  bytes = 0;
  constructor(file: string) {
    this.#handle = openSync(file, "wx+");
  }
  /** Frames written so far. */
  get count(): number {
    return this.#indices.length;
  }
  get #description(): Description {
    return {
      width: this.#width,
      height: this.#height,
      indices: this.#indices,
      timesSeconds: this.#timesSeconds,
      checksums: this.#checksums,
      repeated: this.#repeated,
    };
  }
  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        const count = writeSync(this.#handle, bytes, at, bytes.length - at, this.bytes);
        this.bytes += count;
        at += count;
      }
    } catch (error) {
      throw new CacheTrouble(`cannot write (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
    }
  }
  /** Adds a chunk. @throws {CacheTrouble} when the disk takes no more */
  add(chunk: RawFrames): void {
    this.#write(chunk.pixels);
    this.#width = chunk.width;
    this.#height = chunk.height;
    const frameBytes = chunk.width * chunk.height * 3;
    chunk.frames.forEach(({ index, timeSeconds }, i) => {
      this.#indices.push(index);
      this.#timesSeconds.push(timeSeconds);
      this.#checksums.push(crc32(chunk.pixels.subarray(i * frameBytes, (i + 1) * frameBytes)));
    });
    this.#repeated.push(...(chunk.repeated ?? []));
  }
  /** Completes the entry; it may be read on. @throws {CacheTrouble} when the disk takes no more */
  finish(): void {
    const json = Buffer.from(JSON.stringify(this.#description));
    const foot = Buffer.alloc(8);
    foot.writeUInt32LE(json.length, 0);
    foot.writeUInt32LE(crc32(json), 4);
    this.#write(Buffer.concat([json, foot, ending]));
  }
  /** Frames `from` and following that are written. @throws {CacheTrouble} */
  read(from: number): RawFrames {
    return readChunk(this.#handle, this.#description, from);
  }
  /** Releases the file, finished or not. */
  close(): void {
    if (this.#handle >= 0) closeSync(this.#handle);
    this.#handle = -1;
  }
}

const describe = (handle: number): Description => {
  const damaged = new CacheTrouble("the end of an entry is damaged");
  const { size } = fstatSync(handle);
  const foot = size < footBytes ? undefined : readAt(handle, footBytes, size - footBytes);
  if (foot === undefined || !foot.subarray(8).equals(ending)) throw damaged;
  const jsonBytes = foot.readUInt32LE(0);
  if (jsonBytes > size - footBytes) throw damaged;
  const json = readAt(handle, jsonBytes, size - footBytes - jsonBytes);
  if (json === undefined || crc32(json) !== foot.readUInt32LE(4)) throw damaged;
  const description = JSON.parse(json.toString()) as Description;
  const pixels = description.indices.length * description.width * description.height * 3;
  if (pixels + jsonBytes + footBytes !== size) throw damaged;
  return description;
};

/** An entry that is open for reading; stays readable even if another process removes it. */
export interface OpenEntry {
  /** @throws {CacheTrouble} at the first chunk that is damaged */
  chunks(): Generator<RawFrames>;
  close(): void;
}

/** Opens an entry; undefined when there is none. @throws {CacheTrouble} when it is damaged */
export const openEntry = (file: string): OpenEntry | undefined => {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return undefined;
  }
  let description: Description;
  try {
    description = describe(handle);
  } catch (error) {
    closeSync(handle);
    throw error instanceof CacheTrouble ? error : new CacheTrouble("an entry cannot be read");
  }
  return {
    close: () => closeSync(handle),
    *chunks() {
      for (let from = 0; from < description.indices.length; ) {
        const chunk = readChunk(handle, description, from);
        from += chunk.frames.length;
        yield chunk;
      }
    },
  };
};
