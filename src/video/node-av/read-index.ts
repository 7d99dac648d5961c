import { VideoError } from "../../core/errors.ts";
import type { ClipIndex } from "../backend/backend.ts";
import { packetReader } from "../backend/packet-content.ts";
import { framesFromDecode, framesFromPackets, reasonToDecode } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { PacketTable, packetFlag } from "../packet-table.ts";
import { type NodeAv, ticks } from "./library.ts";
import { type Opened, openFile } from "./open.ts";
import { openDecoder } from "./picture-decoder.ts";

const packetsBetweenSigns = 5000;

const readPackets = (
  library: NodeAv,
  opened: Opened,
  limits: VideoLimits,
  alive: () => void,
): [PacketTable, number] => {
  const { av, constants } = library;
  const content = packetReader(opened.facts.codec, opened.extradata);
  const table = new PacketTable();
  const packet = new av.Packet();
  packet.alloc();
  let status = 0;
  try {
    for (;;) {
      status = opened.format.readFrameSync(packet);
      if (status < 0) break;
      if (packet.streamIndex === opened.facts.streamIndex) {
        const stored = packet.flags as number;
        let flags = 0;
        if (stored & constants.AV_PKT_FLAG_KEY) flags |= packetFlag.key;
        if (stored & constants.AV_PKT_FLAG_DISCARD) flags |= packetFlag.discard;
        if (stored & constants.AV_PKT_FLAG_CORRUPT) flags |= packetFlag.corrupt;
        if (stored & constants.AV_PKT_FLAG_DISPOSABLE) flags |= packetFlag.disposable;
        const data = packet.data;
        flags |= data === null ? packetFlag.broken : content(data);
        table.add(ticks(packet.pts), ticks(packet.dts), ticks(packet.duration), ticks(packet.pos), flags);
        if (table.count > limits.maxPackets)
          throw new VideoError("too many packets", {
            expected: `at most ${limits.maxPackets}`,
            hint: "raise maxPackets",
          });
        if (table.count % packetsBetweenSigns === 0) alive();
      }
      packet.unref();
    }
  } finally {
    packet.free();
  }
  return [table, status];
};

/** Decodes all of an open file only to learn its frames' times. */
const decodeTimes = (library: NodeAv, file: string, limits: VideoLimits, alive: () => void): number[] => {
  const opened = openFile(library, file, limits);
  const times: number[] = [];
  try {
    const decoder = openDecoder(library, opened, limits, 1);
    const packet = new library.av.Packet();
    packet.alloc();
    const onFrame = (time: number): boolean => {
      times.push(time);
      return true;
    };
    while (opened.format.readFrameSync(packet) >= 0) {
      if (packet.streamIndex === opened.facts.streamIndex)
        decoder.push(packet, (frame) => onFrame(decoder.timeOf(frame)));
      packet.unref();
      alive();
    }
    decoder.drain((frame) => onFrame(decoder.timeOf(frame)));
    packet.free();
    decoder.close();
  } finally {
    opened.close();
  }
  return times;
};

/**
 * Reads every packet of a file; decodes all of it only where packets cannot tell the frames.
 * @throws {VideoError} for a file that is no clip, or a clip beyond the limits
 */
export const readIndex = (
  library: NodeAv,
  file: string,
  limits: VideoLimits,
  alive: () => void,
): ClipIndex => {
  const opened = openFile(library, file, limits);
  const { facts } = opened;
  const faults: string[] = [];
  let packets: PacketTable;
  try {
    const [table, status] = readPackets(library, opened, limits, alive);
    packets = table;
    if (status !== library.constants.AVERROR_EOF)
      faults.push(`reading ended early: ${library.av.FFmpegError.strerror(status)}`);
  } finally {
    opened.close();
  }
  if (packets.count === 0) throw new VideoError("no pictures in the video stream", { where: file });
  const reason = faults.length > 0 ? "the file ends early" : reasonToDecode(packets, facts);
  const frames = reason === undefined ? framesFromPackets(packets) : undefined;
  if (frames !== undefined && frames.pts.length > 0) return { file, facts, packets, frames, faults };
  faults.push(`frames were counted by decoding: ${reason ?? "no packet is shown"}`);
  const times = decodeTimes(library, file, limits, alive);
  if (times.length === 0)
    throw new VideoError("no frame can be decoded", {
      where: file,
      got: `${packets.count} packets of ${facts.codec}`,
    });
  return { file, facts, packets, frames: framesFromDecode(times, packets, facts), faults };
};
