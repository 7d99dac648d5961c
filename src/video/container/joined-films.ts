import type { ByteSource } from "./byte-source.ts";
import { boxesIn } from "./mp4-films.ts";

/** Another film in one file: what its head is, and where it begins. */
export interface JoinedFilm {
  readonly what: string;
  readonly at: number;
}

/** Pieces of a container that are gone through before the search is given up. */
const mostPieces = 2_000_000;

/** Bytes of a size at a place; undefined behind the end. */
const sized = (source: ByteSource, at: number, length: number): Buffer | undefined => {
  const bytes = source.read(at, length);
  return bytes.length === length ? bytes : undefined;
};

/**
 * Goes from piece to piece of a container until a head of its kind stands where a piece should begin.
 *
 * @param next the place behind the piece whose first bytes are given; undefined: no piece that can be
 */
const headAmong = (
  source: ByteSource,
  from: number,
  headBytes: number,
  isHead: (bytes: Buffer) => boolean,
  next: (bytes: Buffer, at: number) => number | undefined,
): number | undefined => {
  let at = from;
  for (let i = 0; i < mostPieces; i++) {
    const bytes = sized(source, at, headBytes);
    if (bytes === undefined) return undefined;
    if (isHead(bytes)) return at;
    const then = next(bytes, at);
    if (then === undefined || then <= at) return undefined;
    at = then;
  }
  return undefined;
};

const begins = (hex: string): ((bytes: Buffer) => boolean) => {
  const wanted = Buffer.from(hex, "hex");
  return (bytes) => bytes.subarray(0, wanted.length).equals(wanted);
};

/** @source Adobe Flash Video File Format Specification 10.1, annex E */
const flvFilm = (source: ByteSource): number | undefined => {
  const isHead = begins("464c5601");
  const first = sized(source, 0, 9);
  if (first === undefined || !isHead(first)) return undefined;
  // A tag: kind and length, time, stream, content, and the length of all that once more.
  return headAmong(source, first.readUInt32BE(5) + 4, 11, isHead, (bytes, at) =>
    [8, 9, 18].includes(bytes[0]! & 0x1f) ? at + 11 + bytes.readUIntBE(1, 3) + 4 : undefined,
  );
};

/** @source Advanced Systems Format specification, 2 and 10 */
const asfFilm = (source: ByteSource): number | undefined => {
  const isHead = begins("3026b2758e66cf11a6d900aa0062ce6c");
  const objectEnd = (bytes: Buffer, at: number): number => at + Number(bytes.readBigUInt64LE(16));
  const first = sized(source, 0, 24);
  if (first === undefined || !isHead(first)) return undefined;
  return headAmong(source, objectEnd(first, 0), 24, isHead, objectEnd);
};

const ivfFilm = (source: ByteSource): number | undefined => {
  const isHead = begins("444b4946");
  const first = sized(source, 0, 8);
  if (first === undefined || !isHead(first)) return undefined;
  return headAmong(
    source,
    Math.max(32, first.readUInt16LE(6)),
    12,
    isHead,
    (bytes, at) => at + 12 + bytes.readUInt32LE(0),
  );
};

/** @source PNG specification (third edition), 5 */
const pngFilm = (source: ByteSource): number | undefined => {
  const isHead = begins("89504e470d0a1a0a");
  const first = sized(source, 0, 8);
  if (first === undefined || !isHead(first)) return undefined;
  return headAmong(source, 8, 8, isHead, (bytes, at) => at + 12 + bytes.readUInt32BE(0));
};

/** A second description of a film that is not in fragments: those of a film in fragments may stand again. */
const mp4Film = (source: ByteSource): number | undefined => {
  let described = false;
  let begin = 0;
  let last = "";
  let second: number | undefined;
  for (const { type, from } of boxesIn(source, 0, source.size)) {
    if (type === "moof") return undefined;
    if (type === "ftyp" || last === "") begin = from - 8;
    if (type === "moov" && described) second ??= begin;
    if (type === "moov") described = true;
    last = type;
  }
  return second;
};

const kinds: readonly (readonly [what: string, find: (source: ByteSource) => number | undefined])[] = [
  ["FLV", flvFilm],
  ["ASF", asfFilm],
  ["IVF", ivfFilm],
  ["PNG", pngFilm],
  ["MP4", mp4Film],
];

/** The second film of a file that was made by writing several behind one another, where FFmpeg reads only the first. */
export const joinedFilm = (source: ByteSource): JoinedFilm | undefined => {
  for (const [what, find] of kinds) {
    const at = find(source);
    if (at !== undefined) return { what, at };
  }
  return undefined;
};
