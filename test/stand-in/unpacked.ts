/** Reads MessagePack as far as our requests write it; written from the format's description, not from our writer. */
export const unpacked = (bytes: Buffer): unknown => {
  let at = 0;
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const text = (length: number): string => take(length).toString();
  const list = (length: number): unknown[] => Array.from({ length }, () => read());
  const map = (length: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length }, () => [String(read()), read()]));
  const extension = (length: number): unknown => {
    const code = take(1).readInt8();
    return { code, bytes: Uint8Array.from(take(length)) };
  };
  const kinds: Readonly<Record<number, () => unknown>> = {
    192: () => null,
    194: () => false,
    195: () => true,
    201: () => extension(take(4).readUInt32BE()),
    203: () => take(8).readDoubleBE(),
    211: () => Number(take(8).readBigInt64BE()),
    219: () => text(take(4).readUInt32BE()),
    221: () => list(take(4).readUInt32BE()),
    223: () => map(take(4).readUInt32BE()),
  };
  const read = (): unknown => {
    const kind = take(1)[0]!;
    if (kind < 0x80) return kind;
    const reader = kinds[kind];
    if (reader === undefined) throw new Error(`byte 0x${kind.toString(16)} at ${at - 1}`);
    return reader();
  };
  const value = read();
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes behind the value`);
  return value;
};
