import type { ByteSource } from "./byte-source.ts";
import { type Box, boxAt, boxesIn } from "./mp4-films.ts";

/** A fragment whose clock is behind the one before it: where its start time stands, and by how much it must be later. */
export interface FragmentShift {
  readonly track: number;
  /** Bytes from the file's beginning to the fragment. */
  readonly fragment: number;
  /** Place and length (4 or 8) of the number that is its start, in ticks of the track. */
  readonly at: number;
  readonly bytes: number;
  readonly start: number;
  readonly ticks: number;
}

/** How long samples last, in ticks: all of them, and the last one. */
interface Lasting {
  readonly duration: number;
  readonly last: number;
}

/** A track's part of a fragment. */
interface Run extends Omit<FragmentShift, "ticks">, Lasting {}

const wide = (bytes: Buffer): number =>
  bytes.length === 8 ? Number(bytes.readBigUInt64BE(0)) : bytes.readUInt32BE(0);

/** Usual duration of a sample by track. */
const usualDurations = (source: ByteSource, movie: Box): Map<number, number> => {
  const durations = new Map<number, number>();
  const extended = boxAt(source, movie, "mvex");
  for (const box of extended === undefined ? [] : boxesIn(source, extended.from, extended.to)) {
    if (box.type !== "trex") continue;
    const bytes = source.read(box.from, 16);
    if (bytes.length === 16) durations.set(bytes.readUInt32BE(4), bytes.readUInt32BE(12));
  }
  return durations;
};

/** What the samples of one `trun` last. */
const durationOfRun = (source: ByteSource, run: Box, usual: number): Lasting => {
  const bytes = source.read(run.from, run.to - run.from);
  if (bytes.length < 8) return { duration: 0, last: 0 };
  const flags = bytes.readUInt32BE(0) & 0xffffff;
  const count = bytes.readUInt32BE(4);
  if ((flags & 0x100) === 0) return { duration: count * usual, last: usual };
  const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0).length;
  let at = 8 + ((flags & 1) === 0 ? 0 : 4) + ((flags & 4) === 0 ? 0 : 4);
  let duration = 0;
  let last = 0;
  for (let i = 0; i < count && at + 4 <= bytes.length; i++, at += 4 * fields) {
    last = bytes.readUInt32BE(at);
    duration += last;
  }
  return { duration, last };
};

const runOf = (
  source: ByteSource,
  fragment: number,
  track: Box,
  usual: ReadonlyMap<number, number>,
): Run | undefined => {
  const head = boxAt(source, track, "tfhd");
  const time = boxAt(source, track, "tfdt");
  if (head === undefined || time === undefined) return undefined;
  const headBytes = source.read(head.from, 24);
  const flags = headBytes.readUInt32BE(0) & 0xffffff;
  const id = headBytes.readUInt32BE(4);
  const durationAt = 8 + ((flags & 1) === 0 ? 0 : 8) + ((flags & 2) === 0 ? 0 : 4);
  const own = (flags & 8) !== 0 && durationAt + 4 <= headBytes.length;
  const each = own ? headBytes.readUInt32BE(durationAt) : (usual.get(id) ?? 0);
  let duration = 0;
  let last = 0;
  for (const box of boxesIn(source, track.from, track.to)) {
    if (box.type !== "trun") continue;
    const lasting = durationOfRun(source, box, each);
    duration += lasting.duration;
    last = lasting.last;
  }
  const bytes = source.read(time.from, 1)[0] === 1 ? 8 : 4;
  const at = time.from + 4;
  const number = source.read(at, bytes);
  return number.length < bytes
    ? undefined
    : { track: id, fragment, at, bytes, start: wide(number), duration, last };
};

/** The clock of one track while its fragments are gone through: where it ends, shifted, and where its last sample began. */
interface TrackClock {
  end: number;
  lastStart: number;
  shift: number;
}

/**
 * Fragments that must be moved so that each track's clock goes on where a fragment begins no later than the last sample
 * of the one ahead of it; FFmpeg takes the pictures of such a fragment for those that were there already and drops them.
 *
 * @source ISO/IEC 14496-12, 8.8.3, 8.8.7, 8.8.8 and 8.8.12
 */
export const fragmentShifts = (source: ByteSource): FragmentShift[] => {
  const clocks = new Map<number, TrackClock>();
  const shifts: FragmentShift[] = [];
  let usual: ReadonlyMap<number, number> = new Map();
  for (const box of boxesIn(source, 0, source.size)) {
    if (box.type === "moov") usual = usualDurations(source, box);
    if (box.type !== "moof") continue;
    for (const part of boxesIn(source, box.from, box.to)) {
      const run = part.type === "traf" ? runOf(source, box.from - 8, part, usual) : undefined;
      if (run === undefined) continue;
      const { duration, last, ...fragment } = run;
      if (duration === 0) continue;
      const clock = clocks.get(run.track) ?? { end: run.start, lastStart: -1, shift: 0 };
      if (run.start <= clock.lastStart) clock.shift = clock.end - run.start;
      if (clock.shift !== 0) shifts.push({ ...fragment, ticks: clock.shift });
      clock.lastStart = run.start + duration - last;
      clock.end = run.start + clock.shift + duration;
      clocks.set(run.track, clock);
    }
  }
  return shifts;
};
