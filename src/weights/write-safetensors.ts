import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { DataFormatError, ShapeError } from "../core/errors.ts";
import { atPlace } from "../core/files.ts";
import { narrowToBfloat16, narrowToFloat16 } from "./float-formats.ts";

/** Number format of weights on disk. In memory everything is float32. */
export type StorageType = "float32" | "float16" | "bfloat16";

/** Number formats that can be written. */
export type WrittenType = "F32" | "F16" | "BF16";

/** Storage type -> the name in safetensors headers. */
export const writtenTypes: Readonly<Record<StorageType, WrittenType>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** A named tensor, row by row. `data` may be a function, called once when the tensor's turn has come. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | (() => Float32Array);
}

/** Product of the sides; 1 for a scalar. */
export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((count, side) => count * side, 1);

const pieceNumbers = 1 << 18;

const writeAll = (handle: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length; )
    at += writeSync(handle, bytes, at, Math.min(bytes.length - at, 1 << 30));
};

const writeNumbers = (handle: number, data: Float32Array, type: WrittenType): void => {
  if (type === "F32") {
    writeAll(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  const narrow = type === "F16" ? narrowToFloat16 : narrowToBfloat16;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const piece = new Uint16Array(Math.min(pieceNumbers, data.length));
  for (let at = 0; at < bits.length; at += piece.length) {
    const part = bits.subarray(at, at + piece.length);
    narrow(part, piece);
    writeAll(handle, new Uint8Array(piece.buffer, 0, part.length * 2));
  }
};

/**
 * Writes one safetensors file, in the order given; a reader, or a crash, sees the old file or the whole new one.
 *
 * @throws {ShapeError} when data and shape do not fit together
 * @throws {DataFormatError} when a name occurs twice
 */
export const writeSafetensors = (
  file: string,
  tensors: readonly NamedTensor[],
  type: WrittenType,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): void => {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape } of tensors) {
    if (Object.hasOwn(header, name))
      throw new DataFormatError("a tensor is written twice", { where: file, got: name });
    const begin = end;
    end += elementsOf(shape) * (type === "F32" ? 4 : 2);
    header[name] = { dtype: type, shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  start.writeBigUInt64LE(BigInt(start.length - 8));
  text.copy(start, 8);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = openSync(temporary, "w");
  try {
    writeAll(handle, start);
    for (const { name, shape, data } of tensors) {
      const numbers = typeof data === "function" ? data() : data;
      if (numbers.length !== elementsOf(shape))
        throw new ShapeError(`tensor "${name}"`, {
          expected: `${elementsOf(shape)} numbers for [${shape}]`,
          got: `${numbers.length}`,
        });
      writeNumbers(handle, numbers, type);
    }
    fsyncSync(handle);
  } catch (error) {
    closeSync(handle);
    rmSync(temporary, { force: true });
    throw atPlace(error, file);
  }
  closeSync(handle);
  renameSync(temporary, file);
};
