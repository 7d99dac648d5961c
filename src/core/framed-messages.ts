/**
 * Messages between processes: a JSON header and raw arrays behind it, nothing that runs when it is read.
 *
 * A frame: header length (u32), body length (f64), both little-endian; the header, UTF-8; the arrays, each on a multiple
 * of 8 bytes. In the header's `value` an array stands as `{"$array": index}` and a map as `{"$map": entries}`.
 */
import type { Writable } from "node:stream";
import { DataFormatError } from "./errors.ts";

/** Arrays that a message can hold. */
export type MessageArray = Float32Array | Int32Array | BigInt64Array | Uint8Array;

const arrayTypes = { f32: Float32Array, i32: Int32Array, i64: BigInt64Array, u8: Uint8Array } as const;
type ArrayType = keyof typeof arrayTypes;

interface FrameHeader {
  readonly value: unknown;
  readonly arrays: readonly { readonly type: ArrayType; readonly bytes: number }[];
}

const prefixBytes = 12;
/** Longest header and body that are accepted. */
const limits = { header: 1 << 28, body: 2 ** 36 };

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

const typeNames = Object.keys(arrayTypes) as readonly ArrayType[];

const typeOf = (value: unknown): ArrayType | undefined =>
  ArrayBuffer.isView(value) ? typeNames.find((type) => value instanceof arrayTypes[type]) : undefined;

/** JSON of a value; its arrays are collected. */
const packed = (value: unknown, arrays: MessageArray[]): unknown => {
  if (typeof value !== "object" || value === null) return value;
  if (typeOf(value) !== undefined) return { $array: arrays.push(value as MessageArray) - 1 };
  if (value instanceof Map) return { $map: [...value].map((entry) => packed(entry, arrays)) };
  if (Array.isArray(value)) return value.map((one) => packed(one, arrays));
  const whole: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) whole[key] = packed(one, arrays);
  return whole;
};

const unpacked = (value: unknown, arrays: readonly MessageArray[]): unknown => {
  if (Array.isArray(value)) return value.map((one) => unpacked(one, arrays));
  if (typeof value !== "object" || value === null) return value;
  const { $array, $map } = value as { readonly $array?: number; readonly $map?: [unknown, unknown][] };
  if ($array !== undefined) return arrays[$array];
  if ($map !== undefined) return new Map($map.map((entry) => unpacked(entry, arrays) as [unknown, unknown]));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unpacked(one, arrays)]));
};

/** The bytes of a message, in pieces that are sent one behind the other. Arrays are not copied. */
export const encodeMessage = (value: unknown): Uint8Array[] => {
  const arrays: MessageArray[] = [];
  const json = packed(value, arrays);
  const listed = arrays.map((array) => ({ type: typeOf(array)!, bytes: array.byteLength }));
  const header = Buffer.from(JSON.stringify({ value: json, arrays: listed } satisfies FrameHeader));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32LE(header.length, 0);
  prefix.writeDoubleLE(
    listed.reduce((sum, { bytes }) => sum + padded(bytes), 0),
    4,
  );
  const pieces: Uint8Array[] = [prefix, header];
  for (const array of arrays) {
    pieces.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    const gap = padded(array.byteLength) - array.byteLength;
    if (gap > 0) pieces.push(new Uint8Array(gap));
  }
  return pieces;
};

/** Sends a message, its pieces as one. @returns its bytes */
export const writeMessage = (socket: Writable, value: unknown): number => {
  const pieces = encodeMessage(value);
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
  return pieces.reduce((sum, { length }) => sum + length, 0);
};

const damaged = (got: string): DataFormatError =>
  new DataFormatError("not a message of this protocol", { got });

const decode = (headerBytes: Uint8Array, body: Uint8Array): unknown => {
  let header: FrameHeader;
  try {
    header = JSON.parse(Buffer.from(headerBytes).toString("utf8")) as FrameHeader;
  } catch (error) {
    throw damaged(`a header that is no JSON: ${String(error)}`);
  }
  let at = 0;
  const arrays = header.arrays.map(({ type, bytes }) => {
    const Type = arrayTypes[type];
    const fits = Type !== undefined && bytes % Type.BYTES_PER_ELEMENT === 0 && at + bytes <= body.length;
    if (!fits) throw damaged(`an array of ${bytes} bytes of type ${type}`);
    const start = body.byteOffset + at;
    at += padded(bytes);
    return new Type(body.buffer as ArrayBuffer, start, bytes / Type.BYTES_PER_ELEMENT);
  });
  return unpacked(header.value, arrays);
};

/** Puts messages together again from the pieces in which their bytes arrive. */
export class MessageReader {
  #prefix = Buffer.alloc(prefixBytes);
  /** What is being filled, and how far it is. */
  #target: Uint8Array = this.#prefix;
  #filled = 0;
  #header: Uint8Array | undefined;

  /** @returns the messages that are complete now @throws {DataFormatError} for bytes that are none */
  push(piece: Uint8Array): unknown[] {
    const messages: unknown[] = [];
    for (let at = 0; at < piece.length || this.#filled === this.#target.length; ) {
      const count = Math.min(piece.length - at, this.#target.length - this.#filled);
      this.#target.set(piece.subarray(at, at + count), this.#filled);
      at += count;
      this.#filled += count;
      if (this.#filled < this.#target.length) break;
      const message = this.#next();
      if (message !== undefined) messages.push(message.value);
      else if (this.#target.length > 0 && at === piece.length) break;
    }
    return messages;
  }

  /** Goes on to the next part of a frame; at its end gives the message. */
  #next(): { readonly value: unknown } | undefined {
    this.#filled = 0;
    if (this.#target === this.#prefix) {
      const [header, body] = [this.#prefix.readUInt32LE(0), this.#prefix.readDoubleLE(4)];
      if (header > limits.header || !Number.isSafeInteger(body) || body < 0 || body > limits.body)
        throw damaged(`a header of ${header} and a body of ${body} bytes`);
      this.#target = this.#header = new Uint8Array(header);
      return undefined;
    }
    if (this.#target === this.#header) {
      this.#target = new Uint8Array(this.#prefix.readDoubleLE(4));
      return undefined;
    }
    const value = decode(this.#header!, this.#target);
    this.#target = this.#prefix;
    this.#header = undefined;
    return { value };
  }
}
