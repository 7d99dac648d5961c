import type { ByteSource } from "./byte-source.ts";
import { cropWithin, type FilmMarks } from "./film-marks.ts";

/** A box: four letters, and where its content lies. */
export interface Box {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/** Boxes of one level that are looked at; a film of hours in fragments has some ten thousand. */
const mostBoxes = 100_000;

/** The boxes between two places. A length that cannot be ends the list. @source ISO/IEC 14496-12, 4.2 */
export function* boxesIn(source: ByteSource, from: number, to: number): Generator<Box> {
  for (let at = from, count = 0; at + 8 <= to && count < mostBoxes; count++) {
    const head = source.read(at, 16);
    if (head.length < 8) return;
    let size = head.readUInt32BE(0);
    let headBytes = 8;
    if (size === 1 && head.length === 16) {
      size = Number(head.readBigUInt64BE(8));
      headBytes = 16;
    } else if (size === 0) size = to - at;
    if (size < headBytes) return;
    yield { type: head.toString("latin1", 4, 8), from: at + headBytes, to: Math.min(to, at + size) };
    at += size;
  }
}

const innerBox = (source: ByteSource, { from, to }: Box, type: string): Box | undefined => {
  for (const box of boxesIn(source, from, to)) if (box.type === type) return box;
  return undefined;
};

/** The box at a path of types inside of another one. */
export const boxAt = (
  source: ByteSource,
  outer: Box | undefined,
  ...path: readonly string[]
): Box | undefined => {
  let box = outer;
  for (const type of path) {
    if (box === undefined) return undefined;
    box = innerBox(source, box, type);
  }
  return box;
};

/** Bytes of a visual sample entry before its own boxes. */
const visualEntryBytes = 78;

const cropIn = (source: ByteSource, box: Box, width: number, height: number): FilmMarks["crop"] => {
  const bytes = source.read(box.from, 32);
  if (bytes.length < 32) return undefined;
  const ratio = (at: number): number => bytes.readInt32BE(at) / bytes.readInt32BE(at + 4);
  const [wide, high] = [ratio(0), ratio(8)];
  const crop = {
    x: Math.round((width - wide) / 2 + ratio(16)),
    y: Math.round((height - high) / 2 + ratio(24)),
    width: Math.round(wide),
    height: Math.round(high),
  };
  return Object.values(crop).every(Number.isFinite) ? cropWithin(crop, width, height) : undefined;
};

const encryptionIn = (source: ByteSource, entry: Box): string | undefined => {
  const boxes = { ...entry, from: entry.from + visualEntryBytes };
  if (entry.type === "drmi") return "FairPlay";
  if (entry.type !== "encv") return undefined;
  const track = boxAt(source, boxes, "sinf", "schi", "tenc");
  if (track !== undefined && source.read(track.from + 6, 1)[0] === 0) return undefined;
  const scheme = boxAt(source, boxes, "sinf", "schm");
  const name =
    scheme === undefined
      ? ""
      : source
          .read(scheme.from + 4, 4)
          .toString("latin1")
          .trim();
  return /^\w+$/.test(name) ? name : "unknown scheme";
};

/** Entries of an edit list that are looked at. */
const mostEdits = 1000;

/**
 * The first edit of length 0 among others. In fragments it means the rest of the film.
 * @source ISO/IEC 14496-12, 8.6.6
 */
const emptyEditsIn = (source: ByteSource, track: Box): FilmMarks["emptyEdits"] => {
  const list = boxAt(source, track, "edts", "elst");
  if (list === undefined) return undefined;
  const head = source.read(list.from, 8);
  const entry = head[0] === 1 ? 20 : 12;
  const length = Math.min(mostEdits, Math.floor((list.to - list.from - 8) / entry), head.readUInt32BE(4));
  const bytes = source.read(list.from + 8, length * entry);
  for (let i = 0; length > 1 && (i + 1) * entry <= bytes.length; i++) {
    const wide = entry === 20;
    const lasts = wide ? Number(bytes.readBigUInt64BE(i * entry)) : bytes.readUInt32BE(i * entry);
    const begins = wide ? Number(bytes.readBigInt64BE(i * entry + 8)) : bytes.readInt32BE(i * entry + 4);
    if (lasts === 0 && begins >= 0) return { at: i + 1, length };
  }
  return undefined;
};

const filmIn = (source: ByteSource, track: Box, isWhole: boolean): FilmMarks => {
  const table = boxAt(source, track, "mdia", "minf", "stbl", "stsd");
  const entry = table && boxesIn(source, table.from + 8, table.to).next().value;
  if (!entry) return {};
  const head = source.read(entry.from, visualEntryBytes);
  if (head.length < visualEntryBytes) return {};
  const boxes = { ...entry, from: entry.from + visualEntryBytes };
  const clap = boxAt(source, boxes, "clap");
  const crop = clap && cropIn(source, clap, head.readUInt16BE(24), head.readUInt16BE(26));
  const encryption = encryptionIn(source, entry);
  const emptyEdits = isWhole ? emptyEditsIn(source, track) : undefined;
  return { ...(crop && { crop }), ...(encryption && { encryption }), ...(emptyEdits && { emptyEdits }) };
};

/** What an MP4 or MOV says of its video tracks, in their order. @source ISO/IEC 14496-12, 8.5.2 and 8.12; 12.1.4 */
export const mp4Films = (source: ByteSource): FilmMarks[] => {
  const films: FilmMarks[] = [];
  const movie = boxAt(source, { type: "", from: 0, to: source.size }, "moov");
  if (movie === undefined) return films;
  const isWhole = boxAt(source, movie, "mvex") === undefined;
  for (const track of boxesIn(source, movie.from, movie.to)) {
    if (track.type !== "trak") continue;
    const handler = boxAt(source, track, "mdia", "hdlr");
    if (handler !== undefined && source.read(handler.from + 8, 4).toString("latin1") === "vide")
      films.push(filmIn(source, track, isWhole));
  }
  return films;
};

/** Whether the file begins as fragments of a film do whose head is another file. */
export const isMediaSegment = (source: ByteSource): boolean => {
  for (const { type } of boxesIn(source, 0, source.size)) {
    if (type === "moof") return true;
    if (!["styp", "sidx", "ssix", "emsg", "prft", "free", "skip"].includes(type)) return false;
  }
  return false;
};

/** Whether a film's description is in the file in full. */
export const hasMovie = (source: ByteSource): boolean => {
  for (const { type, from, to } of boxesIn(source, 0, source.size))
    if (type === "moov")
      return boxAt(source, { type, from, to }, "mvhd") !== undefined && !isCut(source, from, to);
  return false;
};

/** Whether a box says that it is longer than the file. */
const isCut = (source: ByteSource, from: number, to: number): boolean =>
  to === source.size && source.read(from - 8, 4).readUInt32BE(0) > to - from + 8;

/** Whether it is the description of a film in fragments, and no fragment. */
export const isInitSegment = (source: ByteSource): boolean => {
  let extended = false;
  for (const box of boxesIn(source, 0, source.size)) {
    if (box.type === "moof" || box.type === "mdat") return false;
    if (box.type === "moov") extended ||= boxAt(source, box, "mvex") !== undefined;
  }
  return extended;
};
