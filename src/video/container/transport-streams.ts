import type { ByteSource } from "./byte-source.ts";

/** Where in a transport stream a video stream's packets lie. */
export interface TransportFilm {
  /** Packet identifier (PID). */
  readonly id: number;
  /** Bytes from the file's beginning to the first and to the last packet. */
  readonly first: number;
  readonly last: number;
  /** Packets with content, and how many of them are scrambled. */
  readonly packets: number;
  readonly scrambled: number;
  /** Codec that the tables name first. */
  readonly codec: string;
  /** Where they name another codec for the same packets; undefined: nowhere. */
  readonly change?: { readonly codec: string; readonly at: number };
}

const packetBytes = 188;
const sync = 0x47;
const piecePackets = 20_000;

/** Stream types of ISO/IEC 13818-1, table 2-34, and of common use that are films. */
const videoTypes: ReadonlyMap<number, string> = new Map([
  [0x01, "MPEG-1"],
  [0x02, "MPEG-2"],
  [0x10, "MPEG-4"],
  [0x1b, "H.264"],
  [0x20, "H.264"],
  [0x24, "HEVC"],
  [0x33, "VVC"],
  [0x42, "AVS"],
  [0xd1, "Dirac"],
  [0xea, "VC-1"],
]);

/** Distance of packets and the place of the first: plain, with a time stamp before (M2TS), with check bytes behind. */
const layoutOf = (source: ByteSource): { stride: number; first: number } | undefined => {
  const head = source.read(0, 2048);
  for (const stride of [packetBytes, 192, 204])
    for (let first = 0; first < stride; first++) {
      let at = first;
      while (at < head.length && head[at] === sync) at += stride;
      if (at >= head.length && first + stride < head.length) return { stride, first };
    }
  return undefined;
};

/** Puts the tables of one identifier together from its packets. */
class Sections {
  #bytes: Buffer = Buffer.alloc(0);
  /** Takes a packet's content; gives the table that it completes. */
  push(payload: Buffer, begins: boolean): Buffer | undefined {
    if (begins) this.#bytes = payload.subarray(1 + (payload[0] ?? 0));
    else if (this.#bytes.length > 0) this.#bytes = Buffer.concat([this.#bytes, payload]);
    if (this.#bytes.length < 3) return undefined;
    const length = 3 + (this.#bytes.readUInt16BE(1) & 0xfff);
    if (this.#bytes.length < length) return undefined;
    const section = this.#bytes.subarray(0, length);
    this.#bytes = Buffer.alloc(0);
    return section;
  }
}

/** Identifiers of the programme tables that an association table names. */
const tablesIn = (section: Buffer): number[] => {
  const ids: number[] = [];
  for (let at = 8; at + 8 <= section.length; at += 4)
    if (section.readUInt16BE(at) !== 0) ids.push(section.readUInt16BE(at + 2) & 0x1fff);
  return ids;
};

/** The films that a programme table names. */
const filmsIn = (section: Buffer): { id: number; codec: string }[] => {
  const films: { id: number; codec: string }[] = [];
  if (section.length < 16) return films;
  for (let at = 12 + (section.readUInt16BE(10) & 0xfff); at + 9 <= section.length; ) {
    const codec = videoTypes.get(section[at]!);
    if (codec !== undefined) films.push({ id: section.readUInt16BE(at + 1) & 0x1fff, codec });
    at += 5 + (section.readUInt16BE(at + 3) & 0xfff);
  }
  return films;
};

type Counted = { -readonly [Key in keyof TransportFilm]: TransportFilm[Key] };

/** Follows the tables of a transport stream and counts what belongs to its films. */
class Scan {
  readonly films = new Map<number, Counted>();
  readonly #tables = new Map<number, Sections>([[0, new Sections()]]);
  packet(bytes: Buffer, position: number): void {
    const id = bytes.readUInt16BE(1) & 0x1fff;
    const control = bytes[3]!;
    const hasContent = (control & 0x10) !== 0;
    const film = this.films.get(id);
    if (film !== undefined && hasContent) {
      if (film.packets++ === 0) film.first = position;
      film.last = position;
      if ((control & 0xc0) !== 0) film.scrambled++;
    }
    const table = this.#tables.get(id);
    if (table === undefined || !hasContent) return;
    const from = (control & 0x20) === 0 ? 4 : 5 + bytes[4]!;
    if (from >= packetBytes) return;
    const section = table.push(bytes.subarray(from, packetBytes), (bytes[1]! & 0x40) !== 0);
    if (section === undefined) return;
    if (id === 0) {
      for (const found of tablesIn(section))
        if (!this.#tables.has(found)) this.#tables.set(found, new Sections());
    } else if (section[0] === 2) this.#name(section, position);
  }
  #name(section: Buffer, position: number): void {
    for (const { id, codec } of filmsIn(section)) {
      const known = this.films.get(id);
      if (known === undefined) this.films.set(id, { id, first: 0, last: 0, packets: 0, scrambled: 0, codec });
      else if (known.codec !== codec) known.change ??= { codec, at: position };
    }
  }
}

/**
 * The films of a transport stream that have content, in the order in which its tables name them. A stream whose tables
 * change names more of them than FFmpeg sees when it opens the file. @source ISO/IEC 13818-1, 2.4.3 and 2.4.4
 */
export const transportFilms = (source: ByteSource, alive: () => void): TransportFilm[] => {
  const layout = layoutOf(source);
  if (layout === undefined) return [];
  const { stride, first } = layout;
  const scan = new Scan();
  for (let at = first; at < source.size; at += stride * piecePackets) {
    const piece = source.read(at, stride * piecePackets);
    for (let i = 0; i + packetBytes <= piece.length; i += stride)
      if (piece[i] === sync) scan.packet(piece.subarray(i, i + packetBytes), at + i);
    alive();
  }
  return [...scan.films.values()].filter((film) => film.packets > 0);
};
