import type { Frame } from "node-av/lib";
import type { ClipIndex, DecodeOrder, DecodeOutcome } from "../backend/backend.ts";
import { steadySize } from "../filter-chain.ts";
import { startingKeys } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { packetFlag } from "../packet-table.ts";
import { type NodeAv, ticks } from "./library.ts";
import { type Opened, openFile } from "./open.ts";
import { openDecoder, type PictureDecoder } from "./picture-decoder.ts";
import { type PictureFilter, packedRgb, pictureFilter } from "./picture-filter.ts";

/** One picture that was asked for, out of the decoder. */
interface Ready {
  readonly frame: number;
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** State of one pass over an open file. */
class Pass {
  readonly opened: Opened;
  readonly decoder: PictureDecoder;
  readonly filter: PictureFilter;
  readonly ready: Ready[] = [];
  /** Number of pictures that came out, in a linear pass. */
  pictures = 0;
  /** True when damage was met with several threads: what they gave since cannot be trusted. */
  untrusted = false;
  readonly threads: number;
  /** Number, in the file's order, of the packet that is read next. */
  next = 0;
  #rgb: Uint8Array = new Uint8Array(0);
  constructor(library: NodeAv, clip: ClipIndex, order: DecodeOrder, limits: VideoLimits, threads: number) {
    this.threads = threads;
    this.opened = openFile(library, clip.file, limits);
    const size = steadySize(clip.facts.codedWidth, clip.facts.codedHeight);
    this.filter = pictureFilter(library, `${size},${order.chain}`);
    this.decoder = openDecoder(library, this.opened, limits, threads);
  }
  take(frame: number, picture: Frame): void {
    const made = this.filter.apply(picture);
    const { width, height } = made;
    // Almost always one picture is ready at a time, so its memory is used again.
    const rgb = packedRgb(made, this.ready.length === 0 ? this.#rgb : new Uint8Array(0));
    if (this.ready.length === 0) this.#rgb = rgb;
    this.ready.push({ frame, rgb, width, height });
  }
  close(): void {
    this.decoder.close();
    this.filter.close();
    this.opened.close();
  }
}

const deliverReady = async (pass: Pass, order: DecodeOrder, done: Set<number>): Promise<boolean> => {
  if (pass.threads > 1 && pass.decoder.damaged > 0) {
    pass.untrusted = true;
    return false;
  }
  for (const one of pass.ready.splice(0)) {
    if (done.has(one.frame)) continue;
    done.add(one.frame);
    const answer = order.deliver(one.frame, one.rgb, one.width, one.height);
    if (!(typeof answer === "boolean" ? answer : await answer)) return false;
  }
  return true;
};

/** From the first packet to the last, frames known by their number. */
const linearPass = async (
  library: NodeAv,
  pass: Pass,
  order: DecodeOrder,
  frameOf: (picture: Frame, number: number) => number | undefined,
  done: Set<number>,
): Promise<void> => {
  const packet = new library.av.Packet();
  packet.alloc();
  const last = order.targets.at(-1)!;
  let over = false;
  const onPicture = (picture: Frame): boolean => {
    const frame = frameOf(picture, pass.pictures++);
    if (frame !== undefined) pass.take(frame, picture);
    order.alive();
    return true;
  };
  try {
    while (!over && pass.opened.format.readFrameSync(packet) >= 0) {
      if (packet.streamIndex === pass.opened.facts.streamIndex) pass.decoder.push(packet, onPicture);
      packet.unref();
      if (pass.ready.length > 0) over = !(await deliverReady(pass, order, done)) || done.has(last);
    }
    if (!over) {
      pass.decoder.drain(onPicture);
      await deliverReady(pass, order, done);
    }
  } finally {
    packet.free();
  }
};

const indexedPass = async (
  library: NodeAv,
  clip: ClipIndex,
  pass: Pass,
  order: DecodeOrder,
  wanted: ReadonlySet<number>,
  done: Set<number>,
): Promise<void> => {
  const { packets, frames } = clip;
  const starts = startingKeys(packets);
  const byTime = new Map<number, number>();
  for (const frame of wanted) byTime.set(frames.pts[frame]!, frame);
  const wantedPackets = new Uint8Array(packets.count);
  for (const frame of wanted) wantedPackets[frames.packet[frame]!] = 1;
  const onPicture = (picture: Frame): boolean => {
    let frame = byTime.get(ticks(picture.pts));
    if (frame === undefined) frame = byTime.get(pass.decoder.timeOf(picture));
    if (frame !== undefined && !done.has(frame)) pass.take(frame, picture);
    return true;
  };
  const packet = new library.av.Packet();
  packet.alloc();
  const { format, facts } = pass.opened;
  const targets = order.targets.filter((frame) => wanted.has(frame) && !done.has(frame));
  const bySeconds = /^(mov|matroska|mp4)/.test(facts.container);
  let fed = false;
  /** Reads on to the next packet of the stream; false at the end. */
  const read = (): boolean => {
    while (format.readFrameSync(packet) >= 0) {
      if (packet.streamIndex === facts.streamIndex) return true;
      packet.unref();
    }
    return false;
  };
  const isPacket = (at: number): boolean =>
    ticks(packet.pts) === packets.pts[at] &&
    (Number.isNaN(packets.position[at]!) ||
      packets.position[at]! < 0 ||
      ticks(packet.pos) === packets.position[at]);
  /** Goes to key packet `at`; true when it is what is read next, then it lies in `packet`. */
  const seek = (at: number): boolean => {
    const { constants } = library;
    const status = bySeconds
      ? format.seekFrameSync(facts.streamIndex, BigInt(packets.pts[at]!), constants.AVSEEK_FLAG_BACKWARD)
      : format.seekFrameSync(facts.streamIndex, BigInt(packets.position[at]!), constants.AVSEEK_FLAG_BYTE);
    if (status < 0 || !read()) return false;
    // Containers may land earlier; reading on to the right place is fine, being beyond it is not.
    for (let tries = 0; tries < 5000; tries++) {
      if (isPacket(at)) return true;
      if (ticks(packet.dts) >= (Number.isNaN(packets.dts[at]!) ? packets.pts[at]! : packets.dts[at]!))
        return false;
      packet.unref();
      if (!read()) return false;
    }
    return false;
  };
  try {
    let position = 0;
    let held = false;
    while (position < targets.length) {
      const start = starts[frames.packet[targets[position]!]!]!;
      let lastPacket = frames.packet[targets[position]!]!;
      let end = position + 1;
      while (end < targets.length && starts[frames.packet[targets[end]!]!]! <= Math.max(start, pass.next)) {
        lastPacket = Math.max(lastPacket, frames.packet[targets[end]!]!);
        end++;
      }
      const canSeek = bySeconds || facts.container === "mpegts";
      if (start > pass.next && canSeek) {
        if (fed) {
          pass.decoder.drain(onPicture);
          if (!(await deliverReady(pass, order, done))) return;
          pass.decoder.restart();
          fed = false;
        }
        if (!seek(start)) return;
        held = true;
        pass.next = start;
      }
      while (pass.next <= lastPacket) {
        if (!held && !read()) break;
        held = false;
        const at = pass.next++;
        // A container that reads differently from the second time on ends the pass; a linear one follows.
        if (ticks(packet.pts) !== packets.pts[at]) return;
        if (wantedPackets[at] === 1 || !packets.has(at, packetFlag.disposable)) {
          pass.decoder.push(packet, onPicture);
          fed = true;
        }
        packet.unref();
        if (pass.ready.length > 0 && !(await deliverReady(pass, order, done))) return;
        order.alive();
      }
      position = end;
    }
    pass.decoder.drain(onPicture);
    await deliverReady(pass, order, done);
  } finally {
    packet.unref();
    packet.free();
  }
};

/**
 * Decodes the wanted frames: from the key packet before each, packets that nobody needs left out; whatever that did
 * not give is looked for once more in a plain linear pass. With several threads damaged streams decode differently
 * from run to run, so damage makes the pass start again with one.
 */
export const decodeFrames = async (
  library: NodeAv,
  clip: ClipIndex,
  order: DecodeOrder,
  limits: VideoLimits,
): Promise<DecodeOutcome> => {
  const done = new Set<number>();
  const wanted = new Set<number>(order.targets);
  if (wanted.size === 0) return { faults: [] };
  let stopped = false;
  const guarded: DecodeOrder = {
    ...order,
    deliver: async (...picture) => {
      const more = await order.deliver(...picture);
      if (!more) stopped = true;
      return more;
    },
  };
  let damaged = 0;
  let untrusted = false;
  const run = async (threads: number, linear: boolean): Promise<void> => {
    const pass = new Pass(library, clip, guarded, limits, threads);
    try {
      if (clip.frames.source === "decoded")
        await linearPass(
          library,
          pass,
          guarded,
          (_, number) => (wanted.has(number) ? number : undefined),
          done,
        );
      else if (linear) {
        const byTime = new Map<number, number>();
        for (const frame of wanted) if (!done.has(frame)) byTime.set(clip.frames.pts[frame]!, frame);
        const find = (picture: Frame): number | undefined => byTime.get(pass.decoder.timeOf(picture));
        await linearPass(library, pass, guarded, find, done);
      } else await indexedPass(library, clip, pass, guarded, wanted, done);
      damaged = pass.decoder.damaged;
      untrusted = pass.untrusted || (threads > 1 && damaged > 0);
    } finally {
      pass.close();
    }
  };
  await run(clip.faults.length > 0 ? 1 : order.threads, false);
  if (!stopped && untrusted) await run(1, false);
  const missing = !stopped && done.size < wanted.size;
  if (missing && damaged === 0 && clip.frames.source === "packets") await run(1, true);
  const faults: string[] = [];
  if (damaged > 0) faults.push(`${damaged} damaged packets or pictures`);
  return { faults };
};
