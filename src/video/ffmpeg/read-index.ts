import { closeSync, openSync, readSync } from "node:fs";
import { VideoError } from "../../core/errors.ts";
import type { ClipIndex } from "../backend/backend.ts";
import { type PacketReader, packetReader } from "../backend/packet-content.ts";
import { framesFromDecode, framesFromPackets, reasonToDecode } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { PacketTable, packetFlag } from "../packet-table.ts";
import { type ProbedFacts, probeFacts } from "./facts.ts";
import { inputGuards, runLines } from "./program.ts";

const numberOr = (text: string | undefined, otherwise: number): number => {
  const value = Number(text);
  return text === undefined || text === "" || text === "N/A" || Number.isNaN(value) ? otherwise : value;
};

/** ffprobe shows no bytes, but in MP4 a packet's place in the file is exact: the units' lengths are read there. */
const contentReader = ({ facts, unitLengthBytes }: ProbedFacts): PacketReader | undefined => {
  if (facts.codec !== "h264" || unitLengthBytes === undefined || !facts.container.startsWith("mov"))
    return undefined;
  const header = Uint8Array.from([1, 0, 0, 0, unitLengthBytes - 1, 0, 0]);
  return packetReader("h264", header);
};

const readPackets = async (
  file: string,
  probed: ProbedFacts,
  limits: VideoLimits,
  alive: () => void,
): Promise<{ packets: PacketTable; fault: string | undefined }> => {
  const packets = new PacketTable();
  const content = contentReader(probed);
  const handle = content === undefined ? undefined : openSync(file, "r");
  let bytes = Buffer.alloc(0);
  try {
    const args = ["-v", "error", ...inputGuards(limits), "-select_streams", String(probed.facts.streamIndex)];
    const entries = "packet=pts,dts,duration,size,pos,flags";
    const onLine = (line: string): void => {
      const [pts, dts, duration, size, position, letters] = line.split("|");
      if (letters === undefined) return;
      let flags = 0;
      if (letters.includes("K")) flags |= packetFlag.key;
      if (letters.includes("D")) flags |= packetFlag.discard;
      if (letters.includes("C")) flags |= packetFlag.corrupt;
      const at = numberOr(position, -1);
      const length = numberOr(size, 0);
      if (content !== undefined && handle !== undefined && at >= 0) {
        if (bytes.length < length) bytes = Buffer.alloc(length * 2);
        const got = readSync(handle, bytes, 0, length, at);
        flags |= got < length ? packetFlag.broken : content(bytes.subarray(0, length));
      }
      packets.add(
        numberOr(pts, Number.NaN),
        numberOr(dts, Number.NaN),
        numberOr(duration, Number.NaN),
        at,
        flags,
      );
      if (packets.count > limits.maxPackets)
        throw new VideoError("too many packets", {
          where: file,
          expected: `at most ${limits.maxPackets}`,
          hint: "raise maxPackets",
        });
      if (packets.count % 2000 === 0) alive();
    };
    const show = ["-show_entries", entries, "-of", "compact=p=0:nk=1", `file:${file}`];
    const { code, complaint } = await runLines("ffprobe", [...args, ...show], onLine);
    const truncated = /truncat|partial file|end of file/i.test(complaint);
    return { packets, fault: code !== 0 || truncated ? "reading ended early" : undefined };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
};

const decodeTimes = async (
  file: string,
  { facts }: ProbedFacts,
  limits: VideoLimits,
  alive: () => void,
): Promise<number[]> => {
  const times: number[] = [];
  const args = ["-v", "quiet", ...inputGuards(limits), "-threads", "1"];
  const select = ["-select_streams", String(facts.streamIndex), "-show_frames"];
  const show = ["-show_entries", "frame=best_effort_timestamp", "-of", "compact=p=0:nk=1", `file:${file}`];
  await runLines("ffprobe", [...args, ...select, ...show], (line) => {
    const first = line.split("|")[0];
    if (first === undefined || !/^(-?\d+|N\/A)$/.test(first)) return;
    times.push(numberOr(first, Number.NaN));
    alive();
  });
  return times;
};

/**
 * Lists packets with ffprobe; decodes all of the file only where packets cannot tell the frames.
 * @throws {VideoError} for a file that is no clip, or a clip beyond the limits
 */
export const readIndex = async (file: string, limits: VideoLimits, alive: () => void): Promise<ClipIndex> => {
  const probed = await probeFacts(file, limits);
  const { facts } = probed;
  const { packets, fault } = await readPackets(file, probed, limits, alive);
  if (packets.count === 0) throw new VideoError("no pictures in the video stream", { where: file });
  const faults = fault === undefined ? [] : [fault];
  const reason = fault === undefined ? reasonToDecode(packets, facts) : "the file ends early";
  const frames = reason === undefined ? framesFromPackets(packets) : undefined;
  if (frames !== undefined && frames.pts.length > 0) return { file, facts, packets, frames, faults };
  faults.push(`frames were counted by decoding: ${reason ?? "no packet is shown"}`);
  const times = await decodeTimes(file, probed, limits, alive);
  if (times.length === 0)
    throw new VideoError("no frame can be decoded", {
      where: file,
      got: `${packets.count} packets of ${facts.codec}`,
    });
  return { file, facts, packets, frames: framesFromDecode(times, packets, facts), faults };
};
