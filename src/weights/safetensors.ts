import { type FileHandle, open } from "node:fs/promises";
import { DataFormatError, messageOf, ShapeError } from "../core/errors.ts";
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
  /** Fills `target` (its length = the tensor's element count) with float32 values. */
  readInto(name: string, target: Float32Array): Promise<void>;
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

const notSafetensors =
  "damaged, or no safetensors file (a Git LFS pointer, a web page): fetch or copy it again";

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
  if (length > BigInt(stat.size - 8) || length > BigInt(largestHeaderBytes))
    throw new DataFormatError("safetensors: header longer than the file or the format allows", {
      where: file,
      expected: `at most ${Math.min(stat.size - 8, largestHeaderBytes)} bytes`,
      got: `${length}`,
      hint: notSafetensors,
    });
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
  const entryOf = (name: string): TensorEntry => {
    const entry = header.tensors.get(name);
    if (entry === undefined)
      throw new DataFormatError("safetensors: no such tensor", { where: file, got: name });
    return entry;
  };
  const countOf = (entry: TensorEntry): number => (entry.end - entry.begin) / elementBytes[entry.type]!;

  const readInto = async (name: string, target: Float32Array): Promise<void> => {
    const entry = entryOf(name);
    const count = countOf(entry);
    if (target.length !== count)
      throw new ShapeError("room for a tensor", {
        where: `${file}, tensor "${name}"`,
        expected: `${count} numbers`,
        got: `${target.length}`,
      });
    if (entry.type === "F32") {
      await readExactly(
        handle,
        new Uint8Array(target.buffer, target.byteOffset, target.byteLength),
        entry.begin,
        file,
      );
      return;
    }
    const widen = widenTo32[entry.type];
    if (widen === undefined)
      throw new DataFormatError("safetensors: numbers of this type cannot be read", {
        where: `${file}, tensor "${name}"`,
        got: entry.type,
      });
    const size = elementBytes[entry.type]!;
    const piece = new Uint8Array(Math.min(pieceBytes, count * size));
    for (let done = 0; done < count; ) {
      const now = Math.min(piece.length / size, count - done);
      await readExactly(handle, piece.subarray(0, now * size), entry.begin + done * size, file);
      widen(piece, now, target.subarray(done, done + now));
      done += now;
    }
  };
  const readBytes = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = entryOf(name);
    const bytes = new Uint8Array(entry.end - entry.begin);
    await readExactly(handle, bytes, entry.begin, file);
    return bytes;
  };
  return {
    ...header,
    file,
    readInto,
    readBytes,
    readFloats: async (name) => {
      const target = new Float32Array(countOf(entryOf(name)));
      await readInto(name, target);
      return target;
    },
    readIntegers: async (name) => {
      const entry = entryOf(name);
      const { buffer } = await readBytes(name);
      const values =
        entry.type === "I64"
          ? new BigInt64Array(buffer)
          : entry.type === "I32"
            ? new Int32Array(buffer)
            : entry.type === "U8" || entry.type === "BOOL"
              ? new Uint8Array(buffer)
              : undefined;
      if (values === undefined)
        throw new DataFormatError("safetensors: not an integer tensor", {
          where: `${file}, tensor "${name}"`,
          got: entry.type,
        });
      return Int32Array.from(values, (value: number | bigint) => {
        const number = Number(value);
        if (number !== (number | 0))
          throw new DataFormatError("safetensors: an integer does not fit 32 bits", {
            where: `${file}, tensor "${name}"`,
            got: String(value),
          });
        return number;
      });
    },
    close: () => handle.close(),
  };
};
