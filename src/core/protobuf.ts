/**
 * The protocol-buffer wire format, as far as our files need it: varints, fixed 32 and 64 bits, length-delimited
 * fields. No descriptors: whoever writes a message names its field numbers.
 *
 * @source https://protobuf.dev/programming-guides/encoding
 */
import { DataFormatError } from "./errors.ts";

/** Collects the fields of one message in the order in which they are added. */
export class ProtobufWriter {
  #pieces: Uint8Array[] = [];
  #length = 0;

  #push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }
  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    do {
      const low = Number(rest & 127n);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 128);
    } while (rest !== 0n);
    this.#push(Uint8Array.from(bytes));
  }
  #tag(field: number, wire: number): void {
    this.#varint(BigInt(field * 8 + wire));
  }
  /** An int32, int64, uint64, bool or enum field; negative numbers take ten bytes. `value` is an integer. */
  integer(field: number, value: number | bigint): this {
    this.#tag(field, 0);
    this.#varint(BigInt(value));
    return this;
  }
  double(field: number, value: number): this {
    this.#tag(field, 1);
    this.#push(new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }
  /** A float field; rounded to the nearest float32. */
  float(field: number, value: number): this {
    this.#tag(field, 5);
    this.#push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }
  /** A bytes field. The bytes are not copied until {@link finish}. */
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2);
    this.#varint(BigInt(value.length));
    this.#push(value);
    return this;
  }
  /** A string field, UTF-8. */
  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, "utf8"));
  }
  /** A field that is itself a message. */
  message(field: number, fill: (inner: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter();
    fill(inner);
    return this.bytes(field, inner.finish());
  }
  /** Fields that another writer has written already. */
  append(fields: Uint8Array): this {
    this.#push(fields);
    return this;
  }
  /** The message's bytes. */
  finish(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      result.set(piece, at);
      at += piece.length;
    }
    return result;
  }
}

/** One field as it stands on the wire: a varint as bigint, everything else as its bytes (a view). */
export type ProtobufField =
  | { readonly field: number; readonly wire: 0; readonly value: bigint }
  | { readonly field: number; readonly wire: 1 | 2 | 5; readonly value: Uint8Array };

/** The fields of a message in their order. @throws {DataFormatError} naming `where` and the byte offset */
export function* protobufFields(bytes: Uint8Array, where: string): Generator<ProtobufField> {
  let at = 0;
  const fail = (got: string): never => {
    throw new DataFormatError("not a protocol-buffer message", { where: `${where}, byte ${at}`, got });
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) return fail("an end inside a number");
      at++;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    return fail("a number of more than ten bytes");
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (field === 0) fail("field number 0");
    if (wire === 0) {
      yield { field, wire, value: varint() };
      continue;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) return fail(`wire type ${wire}`);
    const length = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
    if (length > bytes.length - at) fail(`a field of ${length} bytes where ${bytes.length - at} are left`);
    yield { field, wire, value: bytes.subarray(at, at + length) };
    at += length;
  }
}
