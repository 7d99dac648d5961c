import type { Frame } from "node-av/lib";
import type { ClipIndex, DecodeOrder, DecodeOutcome } from "../backend/backend.ts";
import { startingKeys } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { packetFlag } from "../packet-table.ts";
import { DecodePass } from "./decode-pass.ts";
import type { HeldFile } from "./held-file.ts";
import { type NodeAv, ticks } from "./library.ts";
import type { Opened } from "./open.ts";
import { ClipPacketReader } from "./packet-reader.ts";

/** What all passes of one order share. */
interface Work {
  readonly library: NodeAv;
  readonly clip: ClipIndex;
  readonly order: DecodeOrder;
  /** Frames that were delivered. */
  readonly done: Set<number>;
}

/** From the first packet to the last, frames known by their number or time. */
const linearPass = async (
  { library, order, done }: Work,
  pass: DecodePass,
  frameOf: (picture: Frame, number: number) => number | undefined,
): Promise<void> => {
  const packet = new library.av.Packet();
  packet.alloc();
  const last = order.targets.at(-1)!;
  const wanted = new Set(order.targets).size;
  // A second look comes by the last frame, which the first one gave, too early to stop there.
  const lookedForLast = !done.has(last);
  let pictures = 0;
  let over = false;
  const onPicture = (picture: Frame): boolean => {
    const frame = frameOf(picture, pictures++);
    if (frame !== undefined) pass.take(frame, picture);
    order.alive();
    return true;
  };
  const { facts } = pass.opened;
  try {
    while (!over && pass.opened.read(packet) >= 0) {
      if (packet.streamIndex === facts.streamIndex) pass.decoder.push(packet, onPicture);
      packet.unref();
      const delivered = pass.deliver();
      over = delivered !== true && !(await delivered);
      over ||= done.size === wanted || (lookedForLast && done.has(last));
    }
    if (over) return;
    pass.decoder.drain(onPicture);
    await pass.deliver();
  } finally {
    packet.free();
  }
};

/** Targets that one entry into the file reaches: from key packet `start` to `lastPacket`. */
interface Stretch {
  readonly start: number;
  readonly lastPacket: number;
  /** Position behind the last of its targets. */
  readonly end: number;
}

/** The targets from `position` on that lie behind the same key packet, or behind what is read on the way (`next`). */
const stretchFrom = (
  { frames }: ClipIndex,
  starts: Int32Array,
  targets: Int32Array,
  position: number,
  next: number,
): Stretch => {
  const packetOf = (at: number): number => frames.packet[targets[at]!]!;
  const start = starts[packetOf(position)]!;
  let lastPacket = packetOf(position);
  let end = position + 1;
  while (end < targets.length && starts[packetOf(end)]! <= Math.max(start, next)) {
    lastPacket = Math.max(lastPacket, packetOf(end));
    end++;
  }
  return { start, lastPacket, end };
};

/**
 * Whether each packet can be decoded from the key packet before it alone. A palette is handed out once, with the first packet;
 * only these codecs write it into every picture.
 */
const ownPalettes: readonly string[] = ["apng", "bmp", "gif", "pcx", "png", "targa", "tiff", "webp"];
const standsAlone = ({ facts }: ClipIndex): boolean =>
  facts.colour.pixelFormat !== "pal8" || ownPalettes.includes(facts.codec);

/** From the key packet before each target on, packets that nobody needs left out. */
const indexedPass = async ({ library, clip, order, done }: Work, pass: DecodePass): Promise<void> => {
  const { packets, frames } = clip;
  const starts = startingKeys(packets);
  const targets = order.targets.filter((frame) => !done.has(frame));
  const byTime = new Map<number, number>();
  const wantedPackets = new Uint8Array(packets.count);
  for (const frame of targets) {
    byTime.set(frames.pts[frame]!, frame);
    wantedPackets[frames.packet[frame]!] = 1;
  }
  const onPicture = (picture: Frame): boolean => {
    const frame = byTime.get(ticks(picture.pts)) ?? byTime.get(pass.decoder.timeOf(picture));
    if (frame !== undefined && !done.has(frame)) pass.take(frame, picture);
    return true;
  };
  using reader = new ClipPacketReader(library, pass.opened, clip);
  const canSeek = reader.canSeek && standsAlone(clip);
  let fed = false;
  let next = 0;
  // Where the reader of a file that was read before stands is no place of a packet.
  let lost = pass.wasRead;
  const strays = (): void => {
    pass.strayed = pass.wasRead;
  };
  for (let position = 0; position < targets.length; ) {
    const { start, lastPacket, end } = stretchFrom(clip, starts, targets, position, next);
    if (lost && !canSeek) return strays();
    if ((start > next || lost) && canSeek) {
      if (fed) {
        pass.decoder.drain(onPicture);
        if (!(await pass.deliver())) return;
        pass.decoder.restart();
        fed = false;
      }
      if (!reader.seek(start)) return strays();
      next = start;
      lost = false;
    }
    while (next <= lastPacket && reader.read()) {
      const at = next++;
      // A container that reads differently from the second time on ends the pass; a linear one follows.
      if (ticks(reader.packet.pts) !== packets.pts[at]) return strays();
      if (wantedPackets[at] === 1 || !packets.has(at, packetFlag.disposable)) {
        pass.decoder.push(reader.packet, onPicture);
        fed = true;
      }
      reader.packet.unref();
      const delivered = pass.deliver();
      if (delivered !== true && !(await delivered)) return;
      order.alive();
    }
    position = end;
  }
  pass.decoder.drain(onPicture);
  await pass.deliver();
};

/** The frame that a picture of a linear pass is. */
const frameFinder = (
  { clip, order, done }: Work,
  pass: DecodePass,
): ((picture: Frame, number: number) => number | undefined) => {
  if (clip.frames.source === "decoded") {
    const wanted = new Set(order.targets);
    return (_, number) => (wanted.has(number) ? number : undefined);
  }
  const byTime = new Map<number, number>();
  for (const frame of order.targets) if (!done.has(frame)) byTime.set(clip.frames.pts[frame]!, frame);
  return (picture) => byTime.get(pass.decoder.timeOf(picture));
};

/**
 * Decodes the wanted frames; whatever the indexed pass did not give is looked for once more in a plain linear pass.
 * With several threads damaged streams decode differently from run to run, so damage makes the pass start again with one.
 */
export const decodeFrames = async (
  library: NodeAv,
  held: HeldFile,
  clip: ClipIndex,
  order: DecodeOrder,
  limits: VideoLimits,
): Promise<DecodeOutcome> => {
  const wanted = new Set(order.targets).size;
  if (wanted === 0) return { faults: [] };
  let stopped = false;
  const deliver: DecodeOrder["deliver"] = async (...picture) => {
    const more = await order.deliver(...picture);
    if (!more) stopped = true;
    return more;
  };
  const work: Work = { library, clip, order: { ...order, deliver }, done: new Set() };
  let damaged = 0;
  let untrusted = false;
  let strayed = false;
  const run = async (threads: number, linear: boolean, opened?: Opened): Promise<void> => {
    const pass = new DecodePass(library, clip, work.order, limits, threads, work.done, opened);
    try {
      if (linear || clip.frames.source === "decoded") await linearPass(work, pass, frameFinder(work, pass));
      else await indexedPass(work, pass);
      damaged = pass.decoder.damaged;
      untrusted = pass.untrusted || (threads > 1 && damaged > 0);
      strayed = pass.strayed;
    } finally {
      pass.close();
    }
  };
  const threads = clip.faults.length > 0 ? 1 : order.threads;
  await run(threads, false, held.take(clip.packets));
  if (!stopped && strayed) await run(threads, false);
  if (!stopped && untrusted) await run(1, false);
  const missing = !stopped && work.done.size < wanted;
  if (missing && damaged === 0 && clip.frames.source === "packets") await run(1, true);
  return { faults: damaged > 0 ? [`${damaged} damaged packets or pictures`] : [] };
};
