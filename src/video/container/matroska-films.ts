import type { ByteSource } from "./byte-source.ts";
import { cropWithin, type FilmMarks } from "./film-marks.ts";

interface Element {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** Elements of one level that are looked at before the search is given up. */
const mostElements = 10_000;

/** A number whose first byte's leading zeros say how long it is; `keep`: with the bit that ends them. */
const variable = (
  bytes: Uint8Array,
  at: number,
  keep: boolean,
): { value: number; bytes: number } | undefined => {
  const first = bytes[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = keep ? first : first & (0xff >> length);
  let unknown = value === 0xff >> length;
  for (let i = 1; i < length; i++) {
    value = value * 256 + bytes[at + i]!;
    unknown &&= bytes[at + i] === 0xff;
  }
  return { value: unknown && !keep ? Number.POSITIVE_INFINITY : value, bytes: length };
};

/** The elements between two places; one of unknown size reaches to the end. @source RFC 8794, 4 to 6 */
function* elementsIn(source: ByteSource, from: number, to: number): Generator<Element> {
  for (let at = from, count = 0; at < to && count < mostElements; count++) {
    const head = source.read(at, 12);
    const id = variable(head, 0, true);
    const size = id && variable(head, id.bytes, false);
    if (id === undefined || size === undefined) return;
    const start = at + id.bytes + size.bytes;
    yield { id: id.value, from: start, to: Math.min(to, start + size.value) };
    at = start + size.value;
  }
}

const numberIn = (source: ByteSource, { from, to }: Element): number =>
  source.read(from, Math.min(8, to - from)).reduce((sum, byte) => sum * 256 + byte, 0);

const ids = {
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  track: 0xae,
  trackType: 0x83,
  video: 0xe0,
  width: 0xb0,
  height: 0xba,
  cropBottom: 0x54aa,
  cropTop: 0x54bb,
  cropLeft: 0x54cc,
  cropRight: 0x54dd,
  encodings: 0x6d80,
  encoding: 0x6240,
  encodingType: 0x5033,
} as const;

const cropIn = (source: ByteSource, video: Element): FilmMarks["crop"] => {
  const values = new Map<number, number>();
  for (const element of elementsIn(source, video.from, video.to))
    values.set(element.id, numberIn(source, element));
  const value = (id: number): number => values.get(id) ?? 0;
  const [width, height] = [value(ids.width), value(ids.height)];
  const [x, y] = [value(ids.cropLeft), value(ids.cropTop)];
  const [wide, high] = [width - x - value(ids.cropRight), height - y - value(ids.cropBottom)];
  return cropWithin({ x, y, width: wide, height: high }, width, height);
};

const isEncrypted = (source: ByteSource, encodings: Element): boolean => {
  for (const encoding of elementsIn(source, encodings.from, encodings.to)) {
    if (encoding.id !== ids.encoding) continue;
    for (const one of elementsIn(source, encoding.from, encoding.to))
      if (one.id === ids.encodingType && numberIn(source, one) === 1) return true;
  }
  return false;
};

const filmIn = (source: ByteSource, track: Element): FilmMarks | undefined => {
  const marks: { crop?: NonNullable<FilmMarks["crop"]>; encryption?: string } = {};
  let isVideo = false;
  for (const element of elementsIn(source, track.from, track.to)) {
    if (element.id === ids.trackType) isVideo = numberIn(source, element) === 1;
    if (element.id === ids.video) {
      const crop = cropIn(source, element);
      if (crop !== undefined) marks.crop = crop;
    }
    if (element.id === ids.encodings && isEncrypted(source, element))
      marks.encryption = "Matroska encryption";
  }
  return isVideo ? marks : undefined;
};

/** What a Matroska or WebM file says of its video tracks, in their order. @source RFC 9559, 5.1.4 */
export const matroskaFilms = (source: ByteSource): FilmMarks[] => {
  const films: FilmMarks[] = [];
  for (const segment of elementsIn(source, 0, source.size)) {
    if (segment.id !== ids.segment) continue;
    for (const tracks of elementsIn(source, segment.from, segment.to)) {
      if (tracks.id === ids.cluster) break;
      if (tracks.id !== ids.tracks) continue;
      for (const track of elementsIn(source, tracks.from, tracks.to)) {
        const film = track.id === ids.track ? filmIn(source, track) : undefined;
        if (film !== undefined) films.push(film);
      }
      return films;
    }
  }
  return films;
};

/** Whether the file begins with a cluster: a piece of a film whose head is another file. */
export const isCluster = (source: ByteSource): boolean =>
  elementsIn(source, 0, source.size).next().value?.id === ids.cluster;
