import { VideoError } from "../../core/errors.ts";
import type { ClipIndex, Opening, SizeChange, SourceFacts } from "../backend/backend.ts";
import { codecTells, PacketScan, SizeChanges } from "../backend/packet-scan.ts";
import { countedByDecoding, framesFromDecode, framesFromPackets, reasonToDecode } from "../frame-table.ts";
import { tooManyPackets, type VideoLimits } from "../limits.ts";
import { PacketTable, packetFlag } from "../packet-table.ts";
import { known, probeFacts } from "./facts.ts";
import { extradataOf, readPacketBytes } from "./packet-bytes.ts";
import { inputArguments, runLines } from "./program.ts";

const numberOr = (text: string | undefined, otherwise: number): number => {
  const value = Number(text);
  return text === undefined || text === "" || text === "N/A" || Number.isNaN(value) ? otherwise : value;
};

/** What ffprobe lists of a stream's packets. */
interface PacketList {
  readonly packets: PacketTable;
  /** Bytes of each. */
  readonly sizes: readonly number[];
  /** Why reading stopped before the end; undefined: it did not. */
  readonly fault: string | undefined;
}

/**
 * ffprobe 5.1 guesses how long the last packet of an MP4 with reordered pictures lasts; the film's length tells. A film whose
 * last fragments are missing still has the length of the whole: there no packet lasts longer than those before it.
 */
const tellLastDuration = (packets: PacketTable, { durationTicks, listedFrames }: SourceFacts): void => {
  if (durationTicks === undefined) return;
  const { dts, duration, count } = packets;
  const last = count - 1;
  const left = durationTicks + dts[0]! - dts[last]!;
  const longest = (): number =>
    dts.subarray(1, count).reduce((most, at, i) => Math.max(most, at - dts[i]!), 0);
  if (left > 0 && (listedFrames === count || left <= longest())) duration[last] = left;
};

const listPackets = async (
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
  alive: () => void,
): Promise<PacketList> => {
  const { streamIndex, opening } = facts;
  const packets = new PacketTable();
  const sizes: number[] = [];
  const onLine = (line: string): void => {
    const [pts, dts, duration, size, position, letters] = line.split("|");
    if (letters === undefined) return;
    let flags = 0;
    if (letters.includes("K")) flags |= packetFlag.key;
    if (letters.includes("D")) flags |= packetFlag.discard;
    if (letters.includes("C")) flags |= packetFlag.corrupt;
    sizes.push(numberOr(size, 0));
    packets.add(
      numberOr(pts, Number.NaN),
      numberOr(dts, Number.NaN),
      numberOr(duration, Number.NaN),
      numberOr(position, -1),
      flags,
    );
    if (packets.count > limits.maxPackets) throw tooManyPackets(limits, file);
    if (packets.count % 2000 === 0) alive();
  };
  const entries = "packet=pts,dts,duration,size,pos,flags";
  const { code, complaint } = await runLines(
    "ffprobe",
    [
      ...["-v", "error", "-select_streams", String(streamIndex), "-show_entries", entries],
      ...["-of", "compact=p=0:nk=1", ...inputArguments(file, opening, limits)],
    ],
    onLine,
    { file, opening },
  );
  if (facts.container.startsWith("mov")) tellLastDuration(packets, facts);
  const truncated = /truncat|partial file|end of file/i.test(complaint);
  return { packets, sizes, fault: code !== 0 || truncated ? "reading ended early" : undefined };
};

/** Adds to the packets what their bytes tell; undefined where nothing can be told. */
const scanPackets = async (
  file: string,
  facts: SourceFacts,
  { packets, sizes }: PacketList,
  limits: VideoLimits,
  alive: () => void,
): Promise<PacketScan | undefined> => {
  if (!codecTells(facts.codec)) return undefined;
  const unitCodec = facts.codec === "h264" || facts.codec === "hevc";
  const extradata = unitCodec ? await extradataOf(file, facts, limits) : undefined;
  const scan = new PacketScan(facts.codec, extradata, {
    width: facts.codedWidth,
    height: facts.codedHeight,
  });
  const flags = new Uint8Array(packets.count);
  const onPacket = (at: number, data: Uint8Array): void => {
    flags[at] = data.length < sizes[at]! ? packetFlag.broken : scan.read(at, data);
    if (at % 2000 === 0) alive();
  };
  if (!(await readPacketBytes(file, facts, packets, sizes, limits, onPacket))) return undefined;
  for (const [at, told] of flags.entries()) packets.flags[at]! |= told;
  return scan;
};

/** Asks ffprobe for facts of every picture: one line each, in the order of presentation. */
const listPictures = async (
  file: string,
  { streamIndex, opening }: SourceFacts,
  limits: VideoLimits,
  entries: readonly string[],
  onPicture: (values: readonly string[]) => void,
  more: readonly string[] = [],
): Promise<void> => {
  const show = ["-show_frames", "-show_entries", `frame=${entries.join(",")}`];
  const args = ["-v", "quiet", "-threads", "1", "-select_streams", String(streamIndex), ...more, ...show];
  const form = ["-of", "compact=p=0", ...inputArguments(file, opening, limits)];
  const onLine = (line: string): void => {
    const values = new Map(line.split("|").map((part) => part.split("=", 2) as [string, string]));
    if (values.has(entries[0]!)) onPicture(entries.map((name) => values.get(name) ?? ""));
  };
  await runLines("ffprobe", [...args, ...form], onLine, { file, opening });
};

const decodeTimes = async (
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
  alive: () => void,
): Promise<{ times: number[]; sizes: SizeChange[] }> => {
  const times: number[] = [];
  const sizes = new SizeChanges({ width: facts.codedWidth, height: facts.codedHeight });
  const entries = ["best_effort_timestamp", "width", "height"];
  await listPictures(file, facts, limits, entries, ([time, width, height]) => {
    sizes.add(times.length, { width: numberOr(width, 0), height: numberOr(height, 0) });
    times.push(numberOr(time, Number.NaN));
    alive();
  });
  return { times, sizes: sizes.changes.map(({ at, ...size }) => ({ frame: at, ...size })) };
};

/** Packets within which the first picture is expected. */
const packetsToFirstPicture = 50;

/** The facts with the colour of the first picture, where the container does not tell how pictures are stored. */
const withColour = async (
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
): Promise<SourceFacts | undefined> => {
  let found: SourceFacts | undefined;
  const entries = ["pix_fmt", "color_space", "color_range"];
  const onPicture = ([pixelFormat, matrix, range]: readonly string[]): void => {
    found ??= {
      ...facts,
      colour: { pixelFormat: known(pixelFormat) ?? "unknown", matrix: known(matrix), range: known(range) },
    };
  };
  await listPictures(file, facts, limits, entries, onPicture, [
    "-read_intervals",
    `%+#${packetsToFirstPicture}`,
  ]);
  if (found === undefined) await listPictures(file, facts, limits, entries, onPicture);
  return found;
};

const undecodable = (file: string, facts: SourceFacts, packets: PacketTable): VideoError =>
  new VideoError("no frame can be decoded", {
    where: file,
    got: `${packets.count} packets of ${facts.codec}`,
  });

/** Lists packets with ffprobe; decodes all of the file only where packets cannot tell the frames. */
export const readIndex = async (
  file: string,
  opening: Opening,
  limits: VideoLimits,
  alive: () => void,
): Promise<ClipIndex> => {
  const probed = await probeFacts(file, opening, limits);
  const list = await listPackets(file, probed, limits, alive);
  const { packets, fault } = list;
  if (packets.count === 0) throw new VideoError("no pictures in the video stream", { where: file });
  const scan = await scanPackets(file, probed, list, limits, alive);
  const facts = probed.colour.pixelFormat === "unknown" ? await withColour(file, probed, limits) : probed;
  if (facts === undefined) throw undecodable(file, probed, packets);
  const faults = fault === undefined ? [] : [fault];
  const reason = fault === undefined ? reasonToDecode(packets, facts) : "the file ends early";
  const found = { file, facts, packets, notes: [] };
  const frames = reason === undefined ? framesFromPackets(packets, facts.container) : undefined;
  if (frames !== undefined && frames.pts.length > 0)
    return { ...found, frames, faults, sizes: scan?.sizesIn(frames) ?? [] };
  const { times, sizes } = await decodeTimes(file, facts, limits, alive);
  if (times.length === 0) throw undecodable(file, facts, packets);
  const decoded = framesFromDecode(times, packets, facts);
  faults.push(countedByDecoding(reason, times.length, packets), ...decoded.faults);
  return { ...found, frames: decoded.frames, faults, sizes };
};
