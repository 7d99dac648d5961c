const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC-32C (Castagnoli polynomial, reflected) of bytes, as an unsigned 32-bit integer. @source RFC 3720, B.4 */
export const crc32c = (bytes: Uint8Array): number => {
  let value = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) value = table[(value ^ bytes[at]!) & 255]! ^ (value >>> 8);
  return ~value >>> 0;
};

/**
 * The checksum as TFRecord files store it: rotated right by 15 bits plus a constant, so that a checksum of data that
 * contains checksums stays useful.
 *
 * @source tensorflow/tsl/lib/hash/crc32c.h, `Mask`
 */
export const maskedCrc32c = (bytes: Uint8Array): number => {
  const value = crc32c(bytes);
  return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0;
};
