import type { Random } from "../../src/core/random.ts";

/** Ways to damage a file. Each gives a new buffer. */
type Damage = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** Places near the beginning, where headers are, are as likely as all others together. */
const place = (bytes: Buffer, random: Random): number =>
  random.next() < 0.5 ? random.integer(Math.min(2000, bytes.length)) : random.integer(bytes.length);

const telling = [0, 1, 2, 8, 0x7fffffff, 0x80000000, 0xffffffff, 65536, 1 << 24];

/** Boxes of MP4 and chunks of AVI whose fields decide what is read. */
const boxes =
  "moov trak mdia stbl stsd stsz stco co64 stts ctts stss stsc elst tkhd mdhd mvhd avcC hvcC moof traf trun tfhd sidx mdat ftyp movi idx1 strh strf avih LIST".split(
    " ",
  );

const bytesChanged: Damage = (bytes, random) => {
  for (let i = 0; i < 1 + random.integer(40); i++) bytes[place(bytes, random)] = random.integer(256);
  return bytes;
};

const bitsFlipped: Damage = (bytes, random) => {
  for (let i = 0; i < 1 + random.integer(20); i++) {
    const at = place(bytes, random);
    bytes[at] = bytes[at]! ^ (1 << random.integer(8));
  }
  return bytes;
};

const cutShort: Damage = (bytes, random) => bytes.subarray(0, 1 + random.integer(bytes.length));

const headCutOff: Damage = (bytes, random) => bytes.subarray(random.integer(bytes.length));

const runOverwritten: Damage = (bytes, random) => {
  const from = place(bytes, random);
  bytes.subarray(from, from + 1 + random.integer(4000)).fill(random.pick([0, 255]));
  return bytes;
};

const pieceMoved: Damage = (bytes, random) => {
  const from = place(bytes, random);
  const piece = Buffer.from(bytes.subarray(from, from + random.integer(2000)));
  piece.copy(bytes, place(bytes, random));
  return bytes;
};

const noiseInserted: Damage = (bytes, random) => {
  const at = place(bytes, random);
  const noise = Buffer.from(Array.from({ length: 1 + random.integer(600) }, () => random.integer(256)));
  return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
};

const pieceRemoved: Damage = (bytes, random) => {
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(3000))]);
};

const numbersChanged: Damage = (bytes, random) => {
  for (let i = 0; i < 3; i++)
    if (bytes.length >= 4)
      bytes.writeUInt32BE(random.pick(telling), Math.min(place(bytes, random), bytes.length - 4));
  return bytes;
};

/** A box's length, or a number among its first fields. */
const boxChanged: Damage = (bytes, random) => {
  const found = boxes.flatMap((box) => {
    const at = bytes.indexOf(box);
    return at < 4 ? [] : [at];
  });
  if (found.length === 0) return numbersChanged(bytes, random, bytes);
  const at = random.pick(found) + (random.next() < 0.4 ? -4 : 4 + 4 * random.integer(12));
  const value = random.next() < 0.5 ? random.pick(telling) : random.integer(0xffff);
  if (at >= 0 && at + 4 <= bytes.length) bytes.writeUInt32BE(value, at);
  return bytes;
};

const spliced: Damage = (bytes, random, other) =>
  Buffer.concat([
    bytes.subarray(0, random.integer(bytes.length)),
    other.subarray(random.integer(other.length)),
  ]);

const damages: Readonly<Record<string, Damage>> = {
  bytesChanged,
  bitsFlipped,
  cutShort,
  headCutOff,
  runOverwritten,
  pieceMoved,
  noiseInserted,
  pieceRemoved,
  numbersChanged,
  boxChanged,
  spliced,
};

/** A damaged copy of one of the sources and the kind of its damage. */
export const damagedCopy = (sources: readonly Buffer[], random: Random): { kind: string; bytes: Buffer } => {
  const kind = random.pick(Object.keys(damages));
  const copy = Buffer.from(random.pick(sources));
  return { kind, bytes: damages[kind]!(copy, random, random.pick(sources)) };
};
