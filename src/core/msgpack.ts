/**
 * MessagePack, written only and as far as requests of ours need it: nothing, truth values, numbers, texts, lists, maps,
 * and raw bytes as an extension of a given code.
 *
 * @source https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { assert } from "./errors.ts";

/** Bytes with a code that tells the reader what they are. */
export interface PackedExtension {
  /** 0 to 127. */
  readonly extension: number;
  readonly bytes: Uint8Array;
}

/** What can be packed; numbers are integers, or become float64. */
export type Packable =
  | null
  | boolean
  | number
  | string
  | readonly Packable[]
  | PackedExtension
  | { readonly [name: string]: Packable };

const isExtension = (value: object): value is PackedExtension => "extension" in value && "bytes" in value;

/** A byte and a big-endian number of 1, 2, 4 or 8 bytes. */
const headed = (head: number, size: 1 | 2 | 4 | 8, value: number, isFloat = false): Buffer => {
  const made = Buffer.alloc(1 + size, head);
  if (isFloat) made.writeDoubleBE(value, 1);
  else if (size === 8) made.writeBigInt64BE(BigInt(value), 1);
  else made.writeUIntBE(value, 1, size);
  return made;
};

const packNumber = (value: number): Buffer => {
  if (!Number.isSafeInteger(value)) return headed(0xcb, 8, value, true);
  return value >= 0 && value < 128 ? Buffer.of(value) : headed(0xd3, 8, value);
};

/** Packs a value. @returns its bytes in pieces, raw bytes among them uncopied */
const pieces = (value: Packable): Uint8Array[] => {
  if (value === null) return [Buffer.of(0xc0)];
  if (typeof value === "boolean") return [Buffer.of(value ? 0xc3 : 0xc2)];
  if (typeof value === "number") return [packNumber(value)];
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return [headed(0xdb, 4, text.length), text];
  }
  if (Array.isArray(value)) return [headed(0xdd, 4, value.length), ...value.flatMap(pieces)];
  if (isExtension(value)) {
    const { extension, bytes } = value;
    assert(extension >= 0 && extension < 128, "code of an extension");
    return [headed(0xc9, 4, bytes.length), Buffer.of(extension), bytes];
  }
  const entries = Object.entries(value as Readonly<Record<string, Packable>>);
  return [headed(0xdf, 4, entries.length), ...entries.flatMap(([name, one]) => [name, one].flatMap(pieces))];
};

/** The bytes of a value. */
export const packed = (value: Packable): Buffer => Buffer.concat(pieces(value));
