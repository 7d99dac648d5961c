/** Appends protobuf fields to a growing buffer; just what an ONNX model needs (its field numbers are in `emit.ts`). */
export class ProtobufWriter {
  #bytes = new Uint8Array(1 << 12);
  #at = 0;

  #reserve(extra: number): void {
    if (this.#at + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + extra));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  #varint(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 128n) {
      this.#bytes[this.#at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  /** An integer field (int32, int64, enum); negative numbers take ten bytes as the format says. */
  integer(field: number, value: number | bigint): this {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt(value));
    return this;
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 5));
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  /** A length-delimited field of raw bytes. */
  bytes(field: number, value: Uint8Array): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(value.length));
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** A string field. */
  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, "utf8"));
  }

  /** A nested message. */
  message(field: number, write: (nested: ProtobufWriter) => void): this {
    const nested = new ProtobufWriter();
    write(nested);
    return this.bytes(field, nested.finish());
  }

  /** Fields that another writer has written already. */
  append(fields: Uint8Array): this {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#at);
    this.#at += fields.length;
    return this;
  }

  /** The bytes written so far. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}
