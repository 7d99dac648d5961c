import type { ByteSource } from "./byte-source.ts";

/** A GIF beyond this is not walked through. */
const mostBytes = 256 << 20;

/** Delays below 20 ms are shown as 100 ms: what every browser does, and what FFmpeg did before it stopped to. */
const shortest = 2;
const instead = 10;

/** Behind the blocks of lengths and bytes that begin at `at`. */
const skipBlocks = (bytes: Buffer, at: number): number => {
  let next = at;
  while (next < bytes.length && bytes[next]! > 0) next += bytes[next]! + 1;
  return next + 1;
};

const tableBytes = (packed: number): number => ((packed & 0x80) === 0 ? 0 : 3 << ((packed & 7) + 1));

/**
 * When each picture of a GIF begins, in hundredths of a second, and after them all when the last one ends; undefined
 * for what is no GIF. One that was cut off has the pictures up to there. @source GIF89a specification, 18 to 23
 */
export const gifTimes = (source: ByteSource): number[] | undefined => {
  if (source.size > mostBytes) return undefined;
  const bytes = source.read(0, source.size);
  if (!/^GIF8[79]a/.test(bytes.toString("latin1", 0, 6)) || bytes.length < 13) return undefined;
  const times = [0];
  let delay = 0;
  for (let at = 13 + tableBytes(bytes[10]!); at < bytes.length; ) {
    const kind = bytes[at];
    // Bytes behind the end are passed over; another picture behind it is told by the number of frames.
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      if (bytes[at + 1] === 0xf9 && at + 6 < bytes.length) delay = bytes.readUInt16LE(at + 4);
      at = skipBlocks(bytes, at + 2);
    } else if (kind === 0x2c && at + 10 < bytes.length) {
      times.push(times.at(-1)! + (delay < shortest ? instead : delay));
      delay = 0;
      at = skipBlocks(bytes, at + 11 + tableBytes(bytes[at + 9]!));
    } else break;
  }
  return times.length > 1 ? times : undefined;
};
