import { type FileHandle, open } from "node:fs/promises";
import { DataFormatError, messageOf, ShapeError } from "../core/errors.ts";
import { foreignFile } from "../core/foreign-file.ts";
import { widenBfloat16, widenFloat16 } from "./float-formats.ts";
import {
  elementBytes,
  largestHeaderBytes,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensors-header.ts";

/** An open safetensors file whose header has been checked. Numbers are little-endian, as on every machine we run on. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly file: string;
  /**
   * Fills `target` with float32 values of a tensor: all of them, or as many as fit from element `from` on.
   * @throws {ShapeError} when the tensor has not so many
   */
  readInto(name: string, target: Float32Array, from?: number): Promise<void>;
  /** The float32 values of a tensor. */
  readFloats(name: string): Promise<Float32Array>;
  /** The values of an integer or boolean tensor. @throws {DataFormatError} when one does not fit 32 bits */
  readIntegers(name: string): Promise<Int32Array>;
  /** The raw bytes of a tensor. */
  readBytes(name: string): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Most bytes that are converted at once: what reading costs besides the tensors kept. */
const pieceBytes = 1 << 20;

type Widen = (piece: Uint8Array<ArrayBuffer>, count: number, target: Float32Array) => void;

const bitsOf = (target: Float32Array): Uint32Array =>
  new Uint32Array(target.buffer, target.byteOffset, target.length);

/** How many values of each type become float32; integers through 64 bits lose what float32 cannot hold. */
const widenTo32: Readonly<Record<string, Widen>> = {
  F16: (piece, count, target) => widenFloat16(new Uint16Array(piece.buffer, 0, count), bitsOf(target)),
  BF16: (piece, count, target) => widenBfloat16(new Uint16Array(piece.buffer, 0, count), bitsOf(target)),
  F64: (piece, count, target) => target.set(new Float64Array(piece.buffer, 0, count)),
  I32: (piece, count, target) => target.set(new Int32Array(piece.buffer, 0, count)),
  U32: (piece, count, target) => target.set(new Uint32Array(piece.buffer, 0, count)),
  I16: (piece, count, target) => target.set(new Int16Array(piece.buffer, 0, count)),
  U16: (piece, count, target) => target.set(new Uint16Array(piece.buffer, 0, count)),
  I8: (piece, count, target) => target.set(new Int8Array(piece.buffer, 0, count)),
  U8: (piece, count, target) => target.set(piece.subarray(0, count)),
  BOOL: (piece, count, target) => target.set(piece.subarray(0, count)),
  I64: (piece, count, target) => {
    const values = new BigInt64Array(piece.buffer, 0, count);
    for (let i = 0; i < count; i++) target[i] = Number(values[i]);
  },
  U64: (piece, count, target) => {
    const values = new BigUint64Array(piece.buffer, 0, count);
    for (let i = 0; i < count; i++) target[i] = Number(values[i]);
  },
};

const integersOf: Readonly<Record<string, (bytes: ArrayBuffer) => Iterable<number | bigint>>> = {
  I64: (bytes) => new BigInt64Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  U8: (bytes) => new Uint8Array(bytes),
  BOOL: (bytes) => new Uint8Array(bytes),
};

/** Reads exactly `bytes.length` bytes. */
const readExactly = async (
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  file: string,
): Promise<void> => {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 1 << 30), position + at);
    if (bytesRead === 0)
      throw new DataFormatError("safetensors: the file became shorter while it was read", { where: file });
    at += bytesRead;
  }
};

const notSafetensors = "damaged, or no safetensors file: fetch or copy it again";

/** @throws {DataFormatError} saying what it is instead of a header that cannot be one */
const refuseForeign = async (handle: FileHandle, file: string, size: number): Promise<void> => {
  const head = Buffer.alloc(Math.min(64, size));
  await readExactly(handle, head, 0, file);
  const found = foreignFile(head.toString("latin1"));
  if (found !== undefined)
    throw new DataFormatError("not a safetensors file", {
      where: file,
      got: found.what,
      hint: found.hint ?? notSafetensors,
    });
};

const readHeader = async (handle: FileHandle, file: string): Promise<SafetensorsHeader> => {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new DataFormatError("safetensors: not a file", { where: file });
  if (stat.size < 8)
    throw new DataFormatError("safetensors: shorter than its length field", {
      where: file,
      got: `${stat.size} bytes`,
      hint: notSafetensors,
    });
  const lengthField = new Uint8Array(8);
  await readExactly(handle, lengthField, 0, file);
  const length = new DataView(lengthField.buffer).getBigUint64(0, true);
  if (length > BigInt(stat.size - 8) || length > BigInt(largestHeaderBytes)) {
    await refuseForeign(handle, file, stat.size);
    throw new DataFormatError("safetensors: header longer than the file or the format allows", {
      where: file,
      expected: `at most ${Math.min(stat.size - 8, largestHeaderBytes)} bytes`,
      got: `${length}`,
      hint: notSafetensors,
    });
  }
  const header = new Uint8Array(Number(length));
  await readExactly(handle, header, 8, file);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch (error) {
    throw new DataFormatError("safetensors: the header is not UTF-8", { where: file, cause: error });
  }
  return parseHeader(text, 8 + header.length, stat.size, file);
};

/** One open file of which the header is known. */
class OpenFile {
  readonly #handle: FileHandle;
  readonly #file: string;
  readonly #header: SafetensorsHeader;

  constructor(handle: FileHandle, file: string, header: SafetensorsHeader) {
    this.#handle = handle;
    this.#file = file;
    this.#header = header;
  }

  async readInto(name: string, target: Float32Array, from: number | undefined): Promise<void> {
    const entry = this.#entry(name);
    const size = elementBytes[entry.type]!;
    const count = (entry.end - entry.begin) / size;
    const start = from ?? 0;
    if (from === undefined ? target.length !== count : start + target.length > count)
      throw new ShapeError("room for a tensor", {
        where: `${this.#file}, tensor "${name}"`,
        expected: `${count - start} numbers`,
        got: `${target.length}`,
      });
    const begin = entry.begin + start * size;
    if (entry.type === "F32") {
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      await readExactly(this.#handle, bytes, begin, this.#file);
      return;
    }
    const widen = widenTo32[entry.type];
    if (widen === undefined)
      throw new DataFormatError("safetensors: numbers of this type cannot be read", {
        where: `${this.#file}, tensor "${name}"`,
        got: entry.type,
      });
    const piece = new Uint8Array(Math.min(pieceBytes, target.length * size));
    for (let done = 0; done < target.length; ) {
      const now = Math.min(piece.length / size, target.length - done);
      await readExactly(this.#handle, piece.subarray(0, now * size), begin + done * size, this.#file);
      widen(piece, now, target.subarray(done, done + now));
      done += now;
    }
  }

  async readFloats(name: string): Promise<Float32Array> {
    const { begin, end, type } = this.#entry(name);
    const target = new Float32Array((end - begin) / elementBytes[type]!);
    await this.readInto(name, target, undefined);
    return target;
  }

  async readBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const entry = this.#entry(name);
    const bytes = new Uint8Array(entry.end - entry.begin);
    await readExactly(this.#handle, bytes, entry.begin, this.#file);
    return bytes;
  }

  async readIntegers(name: string): Promise<Int32Array> {
    const { type } = this.#entry(name);
    const where = `${this.#file}, tensor "${name}"`;
    const values = integersOf[type]?.((await this.readBytes(name)).buffer);
    if (values === undefined)
      throw new DataFormatError("safetensors: not an integer tensor", { where, got: type });
    return Int32Array.from(values, (value: number | bigint) => {
      const number = Number(value);
      if (number !== (number | 0))
        throw new DataFormatError("safetensors: an integer does not fit 32 bits", {
          where,
          got: String(value),
        });
      return number;
    });
  }

  #entry(name: string): TensorEntry {
    const entry = this.#header.tensors.get(name);
    if (entry === undefined)
      throw new DataFormatError("safetensors: no such tensor", { where: this.#file, got: name });
    return entry;
  }
}

/**
 * Opens a safetensors file; nothing beyond its header is read until asked for, and nothing larger than the file is
 * ever allocated.
 *
 * @throws {DataFormatError} when the file is missing, cut short or not of the format
 */
export const openSafetensors = async (file: string): Promise<SafetensorsFile> => {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    throw new DataFormatError("cannot open weights", { where: file, got: messageOf(error), cause: error });
  }
  let header: SafetensorsHeader;
  try {
    header = await readHeader(handle, file);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const opened = new OpenFile(handle, file, header);
  return {
    ...header,
    file,
    readInto: (name, target, from) => opened.readInto(name, target, from),
    readBytes: (name) => opened.readBytes(name),
    readFloats: (name) => opened.readFloats(name),
    readIntegers: (name) => opened.readIntegers(name),
    close: () => handle.close(),
  };
};
