/**
 * The smallest Matroska stream that carries rgb24 pictures with their own times into ffmpeg: one cluster a picture,
 * because a block's time is only 16 bits wide. The clock counts nanoseconds.
 *
 * @source RFC 8794 (EBML) and RFC 9559 (Matroska)
 */

const unknownSize = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

const identifier = (id: number): Buffer => {
  const hex = id.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
};

/** Eight-byte length: a leading 1 bit and 56 bits of size. */
const length = (size: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE((1n << 56n) | BigInt(size));
  return bytes;
};

const element = (id: number, ...content: readonly Uint8Array[]): Buffer =>
  Buffer.concat([identifier(id), length(content.reduce((sum, part) => sum + part.length, 0)), ...content]);

const unsigned = (id: number, value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
};

const text = (id: number, value: string): Buffer => element(id, Buffer.from(value, "latin1"));

/** Head of the stream for pictures of this size. */
export const matroskaHead = (width: number, height: number): Buffer => {
  const ebml = element(
    0x1a45dfa3,
    ...[unsigned(0x4286, 1), unsigned(0x42f7, 1), unsigned(0x42f2, 4), unsigned(0x42f3, 8)],
    ...[text(0x4282, "matroska"), unsigned(0x4287, 4), unsigned(0x4285, 2)],
  );
  const info = element(0x1549a966, unsigned(0x2ad7b1, 1));
  const video = element(0xe0, unsigned(0xb0, width), unsigned(0xba, height), text(0x2eb524, "RGB\x18"));
  const track = element(
    0xae,
    ...[unsigned(0xd7, 1), unsigned(0x73c5, 1), unsigned(0x83, 1), text(0x86, "V_UNCOMPRESSED"), video],
  );
  return Buffer.concat([ebml, identifier(0x18538067), unknownSize, info, element(0x1654ae6b, track)]);
};

/** What stands before a picture's bytes. */
export const matroskaPictureHead = (nanoseconds: bigint, pictureBytes: number): Buffer => {
  const time = unsigned(0xe7, nanoseconds);
  const blockHead = Buffer.from([0x81, 0, 0, 0x80]);
  const block = Buffer.concat([identifier(0xa3), length(blockHead.length + pictureBytes), blockHead]);
  return Buffer.concat([
    identifier(0x1f43b675),
    length(time.length + block.length + pictureBytes),
    time,
    block,
  ]);
};
