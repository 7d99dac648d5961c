import type { PictureSize } from "../frame-size.ts";
import { BitReader, plainBytes } from "./bit-reader.ts";

/** Parameter sets are small; what lies behind this many bytes is not looked at. */
const longestSet = 400;

const readerOf = (unit: Uint8Array, headBytes: number): BitReader =>
  new BitReader(plainBytes(unit, headBytes, Math.min(unit.length, longestSet)));

const plausible = (width: number, height: number, reader: BitReader): PictureSize | undefined =>
  !reader.over && width >= 1 && height >= 1 && width <= 32_768 && height <= 32_768
    ? { width, height }
    : undefined;

/** Profiles whose parameter sets say how colours are stored. */
const profilesWithColour: readonly number[] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

const skipScalingLists = (reader: BitReader, count: number): void => {
  for (let i = 0; i < count; i++) {
    if (reader.bit() === 0) continue;
    let next = 8;
    for (let k = 0, last = 8; k < (i < 6 ? 16 : 64) && next !== 0; k++) {
      next = (last + reader.signedGolomb() + 256) & 255;
      if (next !== 0) last = next;
    }
  }
};

/** Visible size that an H.264 sequence parameter set (header byte included) gives. @source ITU-T H.264, 7.3.2.1.1 */
export const h264Size = (unit: Uint8Array): PictureSize | undefined => {
  const reader = readerOf(unit, 1);
  const profile = reader.bits(8);
  reader.skip(16);
  reader.golomb();
  let chroma = 1;
  if (profilesWithColour.includes(profile)) {
    chroma = reader.golomb();
    if (chroma === 3 && reader.bit() === 1) chroma = 0;
    reader.golomb();
    reader.golomb();
    reader.skip(1);
    if (reader.bit() === 1) skipScalingLists(reader, chroma === 3 ? 12 : 8);
  }
  reader.golomb();
  const order = reader.golomb();
  if (order === 0) reader.golomb();
  if (order === 1) {
    reader.skip(1);
    reader.golomb();
    reader.golomb();
    for (let left = Math.min(255, reader.golomb()); left > 0; left--) reader.golomb();
  }
  reader.golomb();
  reader.skip(1);
  const across = reader.golomb() + 1;
  const down = reader.golomb() + 1;
  const fields = reader.bit() === 1 ? 1 : 2;
  if (fields === 2) reader.skip(1);
  reader.skip(1);
  const [left, right, top, bottom] = croppedSides(reader);
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * fields;
  const height = down * fields * 16 - unitY * (top + bottom);
  return plausible(across * 16 - unitX * (left + right), height, reader);
};

/** Left, right, top and bottom, in units of colour samples; zeros where nothing is cut off. */
const croppedSides = (reader: BitReader): [number, number, number, number] =>
  reader.bit() === 1 ? [reader.golomb(), reader.golomb(), reader.golomb(), reader.golomb()] : [0, 0, 0, 0];

/** Visible size that an HEVC sequence parameter set (two header bytes included) gives. @source ITU-T H.265, 7.3.2.2 */
export const hevcSize = (unit: Uint8Array): PictureSize | undefined => {
  const reader = readerOf(unit, 2);
  reader.skip(4);
  const layers = reader.bits(3);
  reader.skip(1 + 88 + 8);
  const present = Array.from({ length: layers }, () => [reader.bit(), reader.bit()] as const);
  if (layers > 0) reader.skip(2 * (8 - layers));
  for (const [profile, level] of present) reader.skip((profile === 1 ? 88 : 0) + (level === 1 ? 8 : 0));
  reader.golomb();
  const chroma = reader.golomb();
  if (chroma === 3) reader.skip(1);
  const width = reader.golomb();
  const height = reader.golomb();
  const [left, right, top, bottom] = croppedSides(reader);
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = chroma === 1 ? 2 : 1;
  return plausible(width - unitX * (left + right), height - unitY * (top + bottom), reader);
};

/** Largest size that an AV1 sequence header (behind its unit's head) allows. @source AV1 specification, 5.5 */
export const av1Size = (unit: Uint8Array): PictureSize | undefined => {
  const reader = new BitReader(unit);
  reader.skip(4);
  if (reader.bit() === 1) reader.skip(5);
  else {
    let decoderModel = 0;
    if (reader.bit() === 1) {
      reader.skip(64);
      if (reader.bit() === 1) reader.golomb();
      decoderModel = reader.bit();
      if (decoderModel === 1) return undefined;
    }
    const delays = reader.bit();
    const points = reader.bits(5) + 1;
    for (let i = 0; i < points; i++) {
      reader.skip(12);
      if (reader.bits(5) > 7) reader.skip(1);
      if (delays === 1 && reader.bit() === 1) reader.skip(4);
    }
  }
  const [wideBits, highBits] = [reader.bits(4) + 1, reader.bits(4) + 1];
  return plausible(reader.bits(wideBits) + 1, reader.bits(highBits) + 1, reader);
};
