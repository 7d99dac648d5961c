import { clockGoesBack, continuedTimes, describeSteps, type StreamClock } from "./clock.ts";
import { type PacketTable, packetFlag } from "./packet-table.ts";

/**
 * The presented frames of a stream. From packets alone where they tell the truth, else from one decoding pass; then a
 * frame is known by how many came before it and no seeking is possible.
 */
export interface FrameTable {
  readonly source: "packets" | "decoded";
  /** Presentation time in ticks, ascending. */
  readonly pts: Float64Array;
  /** Position of the frame's packet in the packet table; only for source "packets". */
  readonly packet: Int32Array;
  /** How long the last frame is shown, in ticks; 0 when nobody says. */
  readonly lastDuration: number;
}

/**
 * Whether packets carry their decoding time as presentation time though pictures come out in another order: MXF, MP4 by
 * writers that leave the composition offsets out, Matroska (which stores no decoding times) whose times only ascend. Only
 * of codecs whose streams say truly whether they reorder.
 */
const timesAreDecodingTimes = (
  packets: PacketTable,
  { codec, container, reorderDepth }: StreamOrder,
): boolean => {
  if (reorderDepth === 0 || !["h264", "hevc"].includes(codec) || packets.count < 2) return false;
  const { pts, dts, count } = packets;
  if (container.startsWith("matroska")) return pts.subarray(1, count).every((time, i) => time > pts[i]!);
  for (let i = 0; i < count; i++) if (pts[i] !== dts[i]) return false;
  return true;
};

/**
 * How long the last of the frames is shown. MP4 says of each packet how far the next in decoding order is behind it: behind
 * the last of those is the film's end, whichever picture is shown last.
 */
const lastDurationOf = (packets: PacketTable, shown: Int32Array, container: string): number => {
  const last = container.startsWith("mov")
    ? shown.reduce((a, b) => Math.max(a, b), -1)
    : (shown.at(-1) ?? -1);
  return last < 0 ? 0 : packets.duration[last]!;
};

/** What a stream says about the order of its pictures. */
export interface StreamOrder extends StreamClock {
  readonly codec: string;
  /** Most pictures that the codec holds back to bring them into presentation order. */
  readonly reorderDepth: number;
}

/** Why the packets cannot be trusted to list the frames, or undefined when they can. */
export const reasonToDecode = (packets: PacketTable, stream: StreamOrder): string | undefined => {
  if (clockGoesBack(packets, stream)) return "the clock goes back";
  const seen = new Set<number>();
  let shown = 0;
  for (let i = 0; i < packets.count; i++) {
    const flags = packets.flags[i]!;
    if (flags & packetFlag.broken) return "a packet's inner lengths do not add up";
    if (flags & packetFlag.corrupt) return "the container marks packets as damaged";
    if (flags & (packetFlag.discard | packetFlag.hidden)) continue;
    const pts = packets.pts[i]!;
    if (Number.isNaN(pts)) return "packets without presentation time";
    if (seen.has(pts)) return "two packets with the same presentation time";
    seen.add(pts);
    if (shown++ === 0 && !(flags & packetFlag.key) && i === 0) return "the first packet is no key packet";
  }
  if (timesAreDecodingTimes(packets, stream)) return "presentation times are only decoding times";
  return undefined;
};

/** Frames in presentation order from packets. Call only when {@link reasonToDecode} has nothing to say. */
export const framesFromPackets = (packets: PacketTable, container: string): FrameTable => {
  const shown: number[] = [];
  for (let i = 0; i < packets.count; i++)
    if (!(packets.flags[i]! & (packetFlag.discard | packetFlag.hidden))) shown.push(i);
  const packet = Int32Array.from(shown).sort((a, b) => packets.pts[a]! - packets.pts[b]!);
  const pts = Float64Array.from(packet, (at) => packets.pts[at]!);
  return { source: "packets", pts, packet, lastDuration: lastDurationOf(packets, packet, container) };
};

/**
 * Frames in the order in which a linear decode gave them. A time that is missing (AVI tells none for the last frame of
 * a stream with B-pictures) continues from the one before by the usual distance, and so does a clock that goes back.
 * Where packets carry only decoding times, the n-th frame is shown at the n-th of them: what a decoder makes of them has
 * gaps and repeats.
 */
export const framesFromDecode = (
  decoded: readonly number[],
  packets: PacketTable,
  stream: StreamOrder,
): { readonly frames: FrameTable; readonly faults: readonly string[] } => {
  // Where a picture size changes some pictures are lost; far fewer pictures than packets are halves of pictures.
  const one = decoded.length <= packets.count && decoded.length > packets.count * 0.8;
  const ordered = one && timesAreDecodingTimes(packets, stream);
  const times = ordered ? packets.pts.subarray(0, decoded.length) : decoded;
  const continued = continuedTimes(times, stream, Math.max(1, packets.duration[0] || 1));
  const last = packets.duration[packets.count - 1]!;
  const lastDuration = last > 0 && continued.steps.length === 0 ? last : continued.usual;
  const frames = { source: "decoded", pts: continued.pts, packet: new Int32Array(0), lastDuration } as const;
  const step = describeSteps(continued, stream);
  const { repeated } = continued;
  const stop = `the clock stands still at ${repeated} frames, which have the time of the one before: they go on as far as the next time leaves room`;
  const lost = ordered ? shownPackets(packets) - decoded.length : 0;
  const early = `${lost} pictures are missing, which ones is not known: those behind them are shown early by as many frames`;
  const faults = [
    ...(step === undefined ? [] : [step]),
    ...(repeated === 0 ? [] : [stop]),
    ...(lost > 0 ? [early] : []),
  ];
  return { frames, faults };
};

const shownPackets = (packets: PacketTable): number => {
  let shown = 0;
  for (let i = 0; i < packets.count; i++)
    if (!packets.has(i, packetFlag.discard) && !packets.has(i, packetFlag.hidden)) shown++;
  return shown;
};

/** The fault that says why frames were counted by decoding, and how many packets of a damaged film gave none. */
export const countedByDecoding = (
  reason: string | undefined,
  pictures: number,
  packets: PacketTable,
): string => {
  const shown = shownPackets(packets);
  let damaged = false;
  for (let i = 0; i < packets.count; i++)
    if (packets.has(i, packetFlag.broken) || packets.has(i, packetFlag.corrupt)) damaged = true;
  const lost = damaged && pictures < shown ? ` (${shown} packets gave ${pictures} pictures)` : "";
  return `frames were counted by decoding: ${reason ?? "no packet is shown"}${lost}`;
};

/** For every packet the key packet from which decoding must start to get it: at or before it in both orders. */
export const startingKeys = (packets: PacketTable): Int32Array => {
  const starts = new Int32Array(packets.count);
  const keys: number[] = [];
  for (let i = 0; i < packets.count; i++) {
    if (packets.has(i, packetFlag.key) && !packets.has(i, packetFlag.gradual)) keys.push(i);
    let k = keys.length - 1;
    while (k > 0 && !(packets.pts[keys[k]!]! <= packets.pts[i]!)) k--;
    starts[i] = keys[k] ?? 0;
  }
  return starts;
};
