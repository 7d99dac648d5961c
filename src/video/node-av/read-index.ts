import type { Frame, Packet } from "node-av/lib";
import { VideoError } from "../../core/errors.ts";
import type { ClipIndex, Opening, SizeChange, SourceFacts } from "../backend/backend.ts";
import { PacketScan, SizeChanges } from "../backend/packet-scan.ts";
import { countedByDecoding, framesFromDecode, framesFromPackets, reasonToDecode } from "../frame-table.ts";
import { tooManyPackets, type VideoLimits } from "../limits.ts";
import { PacketTable, packetFlag } from "../packet-table.ts";
import type { HeldFile } from "./held-file.ts";
import { type Constants, type NodeAv, ticks } from "./library.ts";
import { colourOf, type Opened, openFile } from "./open.ts";
import { openDecoder } from "./picture-decoder.ts";

const packetsBetweenSigns = 5000;

/** What was read of a stream's packets. */
interface PacketsRead {
  readonly packets: PacketTable;
  readonly scan: PacketScan;
  /** Why reading stopped before the end; undefined: it did not. */
  readonly fault: string | undefined;
}

const storedFlags = (packet: Packet, constants: Constants): number => {
  const stored = packet.flags as number;
  let flags = 0;
  if (stored & constants.AV_PKT_FLAG_KEY) flags |= packetFlag.key;
  if (stored & constants.AV_PKT_FLAG_DISCARD) flags |= packetFlag.discard;
  if (stored & constants.AV_PKT_FLAG_CORRUPT) flags |= packetFlag.corrupt;
  if (stored & constants.AV_PKT_FLAG_DISPOSABLE) flags |= packetFlag.disposable;
  return flags;
};

const readPackets = (
  library: NodeAv,
  opened: Opened,
  limits: VideoLimits,
  alive: () => void,
): PacketsRead => {
  const { av, constants } = library;
  const { codec, codedWidth: width, codedHeight: height, streamIndex } = opened.facts;
  const scan = new PacketScan(codec, opened.extradata, { width, height });
  const packets = new PacketTable();
  const packet = new av.Packet();
  packet.alloc();
  let status = 0;
  try {
    for (;;) {
      status = opened.read(packet);
      if (status < 0) break;
      if (packet.streamIndex === streamIndex) {
        const data = packet.data;
        const told = data === null ? packetFlag.broken : scan.read(packets.count, data);
        const flags = storedFlags(packet, constants) | told;
        packets.add(ticks(packet.pts), ticks(packet.dts), ticks(packet.duration), ticks(packet.pos), flags);
        if (packets.count > limits.maxPackets) throw tooManyPackets(limits);
        if (packets.count % packetsBetweenSigns === 0) alive();
      }
      packet.unref();
    }
  } finally {
    packet.free();
  }
  const fault =
    status === constants.AVERROR_EOF ? undefined : `reading ended early: ${av.FFmpegError.strerror(status)}`;
  return { packets, scan, fault };
};

/** Decodes an open file from its first packet on until `onPicture` wants no more. */
const decodeAll = (
  library: NodeAv,
  opened: Opened,
  limits: VideoLimits,
  onPicture: (picture: Frame, time: number) => boolean,
  alive: () => void,
): void => {
  const decoder = openDecoder(library, opened, limits, 1);
  const packet = new library.av.Packet();
  packet.alloc();
  const take = (picture: Frame): boolean => onPicture(picture, decoder.timeOf(picture));
  try {
    let more = true;
    while (more && opened.read(packet) >= 0) {
      if (packet.streamIndex === opened.facts.streamIndex) more = decoder.push(packet, take);
      packet.unref();
      alive();
    }
    if (more) decoder.drain(take);
  } finally {
    packet.free();
    decoder.close();
  }
};

const undecodable = (file: string, facts: SourceFacts, packets: PacketTable): VideoError =>
  new VideoError("no frame can be decoded", {
    where: file,
    got: `${packets.count} packets of ${facts.codec}`,
  });

/** The facts with the colour of the first picture, where the container does not tell how pictures are stored. */
const withColour = (
  library: NodeAv,
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
  alive: () => void,
): SourceFacts | undefined => {
  const opened = openFile(library, file, facts.opening, limits);
  let known: SourceFacts | undefined;
  const onPicture = (picture: Frame): boolean => {
    known = { ...facts, colour: colourOf(library, picture) };
    return false;
  };
  try {
    decodeAll(library, opened, limits, onPicture, alive);
  } finally {
    opened.close();
  }
  return known;
};

/** Decodes all of a file only to learn its frames' times and sizes. */
const decodeTimes = (
  library: NodeAv,
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
  alive: () => void,
): { times: number[]; sizes: SizeChange[] } => {
  const opened = openFile(library, file, facts.opening, limits);
  const times: number[] = [];
  const sizes = new SizeChanges({ width: facts.codedWidth, height: facts.codedHeight });
  const onPicture = ({ width, height }: Frame, time: number): boolean => {
    sizes.add(times.length, { width, height });
    times.push(time);
    return true;
  };
  try {
    decodeAll(library, opened, limits, onPicture, alive);
  } finally {
    opened.close();
  }
  return { times, sizes: sizes.changes.map(({ at, width, height }) => ({ frame: at, width, height })) };
};

/** The index by what an open file's packets say; decodes all of it only where they cannot tell the frames. */
const indexOf = (
  library: NodeAv,
  opened: Opened,
  file: string,
  limits: VideoLimits,
  alive: () => void,
): ClipIndex => {
  const { packets, scan, fault } = readPackets(library, opened, limits, alive);
  if (packets.count === 0) throw new VideoError("no pictures in the video stream", { where: file });
  let facts: SourceFacts | undefined = opened.facts;
  if (facts.colour.pixelFormat === "unknown") facts = withColour(library, file, facts, limits, alive);
  if (facts === undefined) throw undecodable(file, opened.facts, packets);
  const reason = fault === undefined ? reasonToDecode(packets, facts) : "the file ends early";
  const faults = fault === undefined ? [] : [fault];
  const found = { file, facts, packets, notes: [] };
  const frames = reason === undefined ? framesFromPackets(packets, facts.container) : undefined;
  if (frames !== undefined && frames.pts.length > 0)
    return { ...found, frames, faults, sizes: scan.sizesIn(frames) };
  const { times, sizes } = decodeTimes(library, file, facts, limits, alive);
  if (times.length === 0) throw undecodable(file, facts, packets);
  const decoded = framesFromDecode(times, packets, facts);
  faults.push(countedByDecoding(reason, times.length, packets), ...decoded.faults);
  return { ...found, frames: decoded.frames, faults, sizes };
};

/** Reads every packet of a file, which stays open in `held` where it may be wanted next. */
export const readIndex = (
  library: NodeAv,
  held: HeldFile,
  file: string,
  opening: Opening,
  limits: VideoLimits,
  alive: () => void,
): ClipIndex => {
  held.close();
  const opened = openFile(library, file, opening, limits);
  try {
    const index = indexOf(library, opened, file, limits, alive);
    if (index.frames.source === "packets") held.hold(opened, index.packets);
    return index;
  } finally {
    if (!held.holds(opened)) opened.close();
  }
};
