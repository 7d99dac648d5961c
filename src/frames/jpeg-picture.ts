import jpegTurbo from "@julusian/jpeg-turbo";
import sharp from "sharp";
import type { PictureSize } from "../video/frame-size.ts";

/** A picture as few JPEG bytes, for what is sent. @param pixels rgb24, `width * height * 3` bytes @param quality 1 to 100 */
export const jpegOf = (
  pixels: Uint8Array,
  { width, height }: PictureSize,
  quality: number,
): Promise<Buffer> =>
  sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);

const quickly = ({ width, height }: PictureSize): jpegTurbo.EncodeOptions => ({
  format: jpegTurbo.FORMAT_RGB,
  width,
  height,
  subsampling: jpegTurbo.SAMP_420,
});

/** Most bytes that {@link quickJpegInto} makes of a picture. */
export const quickJpegBytes = (size: PictureSize): number => jpegTurbo.bufferSize(quickly(size));

/**
 * Makes a picture a baseline JPEG with the standard's own code tables and halved colour, in a quarter of the time and with
 * some more bytes: for what is written by the thousand. Parameters as above.
 *
 * @param memory at least {@link quickJpegBytes}; the JPEG lies at its beginning
 * @returns its bytes
 */
export const quickJpegInto = async (
  pixels: Uint8Array,
  size: PictureSize,
  quality: number,
  memory: Uint8Array,
): Promise<number> => {
  const options = { ...quickly(size), quality };
  return (await jpegTurbo.compress(asBuffer(pixels), asBuffer(memory), options)).length;
};
