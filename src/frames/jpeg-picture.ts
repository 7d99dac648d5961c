import sharp from "sharp";

/** A picture as JPEG bytes. @param pixels rgb24, `width * height * 3` bytes @param quality 1 to 100 */
export const jpegOf = (
  pixels: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  quality: number,
): Promise<Buffer> =>
  sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
