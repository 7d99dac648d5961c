import { DataFormatError, messageOf } from "../core/errors.ts";
import { repeatedKey } from "../core/json-text.ts";

/** Element types of the format with their size in bytes. */
export const elementBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** One tensor of a file; `begin` and `end` are bytes from the start of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Longest header that is read; the limit of the reference implementation. */
export const largestHeaderBytes = 100_000_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * Checks the header of a safetensors file against the format and the file's size: known types, sizes that equal
 * shape times type, ranges inside the file, in which every byte belongs to exactly one tensor.
 *
 * @param text the header's JSON
 * @param dataStart bytes in front of the tensors (8 + the header's length)
 * @param fileBytes size of the whole file
 * @throws {DataFormatError} naming the file and the tensor
 */
export const parseHeader = (
  text: string,
  dataStart: number,
  fileBytes: number,
  file: string,
): SafetensorsHeader => {
  const fail = (what: string, tensor?: string, got?: unknown): never => {
    throw new DataFormatError(`safetensors: ${what}`, {
      where: tensor === undefined ? file : `${file}, tensor "${tensor.slice(0, 120)}"`,
      ...(got === undefined ? {} : { got: JSON.stringify(got).slice(0, 120) }),
      hint: "the file is damaged or cut short: fetch or copy it again",
    });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataFormatError("safetensors: the header is not JSON", {
      where: file,
      got: messageOf(error).slice(0, 160),
      cause: error,
    });
  }
  if (!isObject(json)) return fail("the header is not an object");
  const twice = repeatedKey(text)?.key;
  if (twice !== undefined) return fail("a name occurs twice in the header", twice);
  const dataBytes = fileBytes - dataStart;
  const metadata: Record<string, string> = {};
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(json)) {
    if (!isObject(value)) return fail("entry is not an object", name, value);
    if (name === "__metadata__") {
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string") return fail("metadata is not text", name, text);
        metadata[key] = text;
      }
      continue;
    }
    const { dtype: type, shape, data_offsets: offsets } = value;
    if (typeof type !== "string" || !Object.hasOwn(elementBytes, type))
      return fail("unknown element type", name, type ?? null);
    if (!Array.isArray(shape) || !shape.every(isSize)) return fail("bad shape", name, shape ?? null);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
      return fail("bad data_offsets", name, offsets ?? null);
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > dataBytes)
      return fail(`data_offsets outside the ${dataBytes} bytes of data`, name, offsets);
    const bytes = shape.reduce((size: number, side) => size * side, elementBytes[type]!);
    if (bytes !== end - begin) return fail(`${type} of shape [${shape}] is not ${end - begin} bytes`, name);
    tensors.set(name, { name, type, shape, begin: dataStart + begin, end: dataStart + end });
  }
  let at = dataStart;
  for (const tensor of [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== at)
      return fail(
        tensor.begin < at ? "overlaps another tensor" : "bytes that belong to no tensor",
        tensor.name,
      );
    at = tensor.end;
  }
  if (at !== fileBytes) return fail(`${fileBytes - at} bytes behind the last tensor`);
  return { metadata, tensors };
};
