import type { PictureSize } from "../frame-size.ts";
import { BitReader } from "./bit-reader.ts";
import { av1Size, h264Size, hevcSize } from "./sequence-size.ts";

/** Takes the packets of a stream in order; gives the pictures' size where a packet tells it. */
export type SizeReader = (data: Uint8Array) => PictureSize | undefined;

type UnitSize = (unit: Uint8Array) => PictureSize | undefined;

const silent: SizeReader = () => undefined;

/** Looks through length-prefixed units for one that tells a size. */
const lengthPrefixed =
  (lengthBytes: number, unitSize: UnitSize): SizeReader =>
  (data) => {
    for (let at = 0; at + lengthBytes < data.length; ) {
      let size = 0;
      for (let i = 0; i < lengthBytes; i++) size = size * 256 + data[at + i]!;
      at += lengthBytes;
      if (size === 0) return undefined;
      const found = unitSize(data.subarray(at, at + size));
      if (found !== undefined) return found;
      at += size;
    }
    return undefined;
  };

/** A parameter set that stands before its picture lies within the first so many bytes of a packet. */
const searchedBytes = 4096;

/** The same for units behind start codes (0 0 1). */
const startCoded =
  (unitSize: UnitSize): SizeReader =>
  (data) => {
    const end = Math.min(data.length, searchedBytes);
    for (let at = 0; at + 3 < end; at++) {
      if (data[at + 2]! > 1) at += 2;
      else if (data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1) {
        const found = unitSize(data.subarray(at + 3));
        if (found !== undefined) return found;
        at += 2;
      }
    }
    return undefined;
  };

const h264Unit: UnitSize = (unit) => ((unit[0]! & 31) === 7 ? h264Size(unit) : undefined);
const hevcUnit: UnitSize = (unit) => (((unit[0]! >> 1) & 63) === 33 ? hevcSize(unit) : undefined);
const mpegUnit: UnitSize = (unit) =>
  unit[0] === 0xb3 && unit.length > 3
    ? { width: (unit[1]! << 4) | (unit[2]! >> 4), height: ((unit[2]! & 15) << 8) | unit[3]! }
    : undefined;

/** VP8: key pictures carry a start code and their size. @source RFC 6386, 9.1 */
const vp8: SizeReader = (data) =>
  data.length >= 10 && (data[0]! & 1) === 0 && data[3] === 0x9d && data[4] === 1 && data[5] === 0x2a
    ? { width: (data[6]! | (data[7]! << 8)) & 0x3fff, height: (data[8]! | (data[9]! << 8)) & 0x3fff }
    : undefined;

const jpegFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** @source ITU-T T.81, annex B */
const jpeg: SizeReader = (data) => {
  for (let at = 2; at + 9 <= data.length && data[at] === 0xff; ) {
    const marker = data[at + 1]!;
    if (jpegFrame(marker))
      return { width: (data[at + 7]! << 8) | data[at + 8]!, height: (data[at + 5]! << 8) | data[at + 6]! };
    at += marker === 0xff ? 1 : 2 + ((data[at + 2]! << 8) | data[at + 3]!);
  }
  return undefined;
};

/** AV1: sequence headers among the units of a packet. @source AV1 specification, 5.3 */
const av1: SizeReader = (data) => {
  for (let at = 0; at < data.length; ) {
    const head = data[at]!;
    let from = at + ((head & 4) === 0 ? 1 : 2);
    let size = data.length - from;
    if ((head & 2) !== 0) {
      size = 0;
      for (let i = 0; i < 8 && from < data.length; i++) {
        const byte = data[from++]!;
        size += (byte & 127) * 2 ** (7 * i);
        if (byte < 128) break;
      }
    }
    if (((head >> 3) & 15) === 1) return av1Size(data.subarray(from, from + size));
    at = from + size;
  }
  return undefined;
};

/** Reads VP9 headers; pictures that others refer to lend them their size, so eight are remembered. */
class Vp9Sizes {
  readonly #slots: (PictureSize | undefined)[] = new Array<PictureSize | undefined>(8).fill(undefined);
  /** @source VP9 bitstream specification, 6.2 and annex B */
  read(data: Uint8Array): PictureSize | undefined {
    let size: PictureSize | undefined;
    for (const frame of this.#framesIn(data)) size = this.#frame(frame) ?? size;
    return size;
  }
  #framesIn(data: Uint8Array): Uint8Array[] {
    const last = data.at(-1) ?? 0;
    const count = (last & 7) + 1;
    const sizeBytes = ((last >> 3) & 3) + 1;
    const index = data.length - (2 + sizeBytes * count);
    if ((last & 0xe0) !== 0xc0 || index < 0 || data[index] !== last) return [data];
    const frames: Uint8Array[] = [];
    for (let i = 0, from = 0; i < count; i++) {
      let size = 0;
      for (let k = sizeBytes - 1; k >= 0; k--) size = size * 256 + data[index + 1 + i * sizeBytes + k]!;
      frames.push(data.subarray(from, from + size));
      from += size;
    }
    return frames;
  }
  #frame(data: Uint8Array): PictureSize | undefined {
    const reader = new BitReader(data);
    if (reader.bits(2) !== 2) return undefined;
    const profile = reader.bit() + 2 * reader.bit();
    if (profile === 3) reader.skip(1);
    if (reader.bit() === 1) return undefined;
    const inter = reader.bit() === 1;
    const shown = reader.bit() === 1;
    const resilient = reader.bit() === 1;
    const size = inter ? this.#interSize(reader, profile, shown, resilient) : this.#keySize(reader, profile);
    return shown && !reader.over ? size : undefined;
  }
  #keySize(reader: BitReader, profile: number): PictureSize | undefined {
    if (reader.bits(24) !== 0x498342) return undefined;
    this.#skipColour(reader, profile);
    return this.#explicit(reader, 255);
  }
  #interSize(
    reader: BitReader,
    profile: number,
    shown: boolean,
    resilient: boolean,
  ): PictureSize | undefined {
    const intraOnly = shown ? false : reader.bit() === 1;
    if (!resilient) reader.skip(2);
    if (intraOnly) {
      if (reader.bits(24) !== 0x498342) return undefined;
      if (profile > 0) this.#skipColour(reader, profile);
      return this.#explicit(reader, reader.bits(8));
    }
    const refreshed = reader.bits(8);
    const slots = [0, 1, 2].map(() => {
      const slot = reader.bits(3);
      reader.skip(1);
      return slot;
    });
    for (const slot of slots) if (reader.bit() === 1) return this.#keep(this.#slots[slot], refreshed);
    return this.#explicit(reader, refreshed);
  }
  #skipColour(reader: BitReader, profile: number): void {
    if (profile >= 2) reader.skip(1);
    const rgb = reader.bits(3) === 7;
    if (!rgb) reader.skip(1);
    if (profile === 1 || profile === 3) reader.skip(rgb ? 1 : 3);
  }
  #explicit(reader: BitReader, refreshed: number): PictureSize {
    return this.#keep({ width: reader.bits(16) + 1, height: reader.bits(16) + 1 }, refreshed)!;
  }
  #keep(size: PictureSize | undefined, refreshed: number): PictureSize | undefined {
    for (let slot = 0; slot < 8; slot++) if ((refreshed >> slot) & 1) this.#slots[slot] = size;
    return size;
  }
}

/**
 * The reader for a stream; codecs of which a stream has one size only, or that are not read, say nothing.
 * `unitLengthBytes`: bytes of a unit's length where units are length-prefixed.
 */
export const sizeReader = (codec: string, unitLengthBytes: number | undefined): SizeReader => {
  const units = (unitSize: UnitSize): SizeReader =>
    unitLengthBytes === undefined ? startCoded(unitSize) : lengthPrefixed(unitLengthBytes, unitSize);
  if (codec === "h264") return units(h264Unit);
  if (codec === "hevc") return units(hevcUnit);
  if (codec === "mpeg1video" || codec === "mpeg2video") return startCoded(mpegUnit);
  if (codec === "vp8") return vp8;
  if (codec === "mjpeg") return jpeg;
  if (codec === "av1") return av1;
  if (codec === "vp9") {
    const sizes = new Vp9Sizes();
    return (data) => sizes.read(data);
  }
  return silent;
};
