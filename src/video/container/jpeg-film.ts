import type { ByteSource } from "./byte-source.ts";

/** A JPEG picture: its size, whether it says that others follow it as one photo, and the place behind its end. */
interface JpegPicture {
  readonly size: string;
  readonly album: boolean;
  readonly end: number;
}

const mostPictureBytes = 64 << 20;

/** Markers that stand alone, without a length. */
const isAlone = (marker: number): boolean => marker === 1 || (marker >= 0xd0 && marker <= 0xd7);
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Reads one picture's markers. @source ITU-T T.81, annex B */
const pictureAt = (bytes: Buffer, from: number): JpegPicture | undefined => {
  if (bytes[from] !== 0xff || bytes[from + 1] !== 0xd8) return undefined;
  let size = "";
  let album = false;
  for (let at = from + 2; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) {
      const next = bytes.indexOf(0xff, at);
      if (next < 0) return undefined;
      at = next;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) return size === "" ? undefined : { size, album, end: at + 2 };
    if (marker === 0xff) at++;
    else if (marker === 0 || isAlone(marker)) at += 2;
    else {
      if (at + 9 > bytes.length) return undefined;
      if (isFrame(marker)) size = `${bytes.readUInt16BE(at + 7)}x${bytes.readUInt16BE(at + 5)}`;
      if (marker === 0xe2 && bytes.toString("latin1", at + 4, at + 7) === "MPF") album = true;
      at += 2 + bytes.readUInt16BE(at + 2);
    }
  }
  return undefined;
};

/** Bytes between two pictures of a film: padding, line ends, or the head of a part (`multipart/x-mixed-replace`). */
const mostBetween = 1024;

/** How a stream of parts begins, each a picture: network cameras send films so. @source RFC 2046, 5.1 */
const partHead = /^(\r?\n)*(--[^\r\n]{1,200}\r?\n|content-type: *image\/jpeg|http\/1\.)/i;

/** Where the next picture begins, at `from` or soon behind it; -1: nowhere near. */
const nextPicture = (bytes: Buffer, from: number): number => {
  const found = bytes.subarray(from, from + mostBetween).indexOf("ffd8ff", 0, "hex");
  return found < 0 ? -1 : from + found;
};

/** Whether a file is JPEG pictures of one size one after another, a film, and not a photo with its previews. */
export const isJpegFilm = (source: ByteSource): boolean => {
  const head = source.read(0, mostBetween);
  const begins = head.toString("hex", 0, 3) === "ffd8ff";
  if (!begins && !partHead.test(head.toString("latin1"))) return false;
  const bytes = source.read(0, mostPictureBytes);
  const first = pictureAt(bytes, nextPicture(bytes, 0));
  if (first === undefined || first.album) return false;
  const next = nextPicture(bytes, first.end);
  return pictureAt(bytes, next)?.size === first.size;
};
