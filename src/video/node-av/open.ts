import type { FormatContext, Packet, Stream } from "node-av/lib";
import { VideoError } from "../../core/errors.ts";
import { admittedCodecs, admittedFormats, openingReason, refusedContainer } from "../backend/admitted.ts";
import type { Opening, SourceFacts } from "../backend/backend.ts";
import { chooseStream } from "../backend/choose-stream.ts";
import type { StoredColour } from "../filter-chain.ts";
import type { VideoLimits } from "../limits.ts";
import { orientationOf } from "../orientation.ts";
import type { StreamInfo } from "../types.ts";
import type { NodeAv } from "./library.ts";

/** An open file. `close` must be called; nothing read from `stream` may be used afterwards. */
export interface Opened {
  readonly format: FormatContext;
  readonly stream: Stream;
  readonly facts: SourceFacts;
  readonly extradata: Uint8Array | undefined;
  /** Reads the next packet of any stream; FFmpeg's status, negative at the end. */
  read(packet: Packet): number;
  close(): void;
}

const nameOf = (table: readonly (readonly [unknown, string])[], value: unknown): string | undefined =>
  table.find(([constant]) => constant === value)?.[1];

const kindOf = ({ constants }: NodeAv, type: unknown): StreamInfo["kind"] => {
  if (type === constants.AVMEDIA_TYPE_VIDEO) return "video";
  if (type === constants.AVMEDIA_TYPE_AUDIO) return "audio";
  return type === constants.AVMEDIA_TYPE_SUBTITLE ? "subtitle" : "other";
};

const describeStream = (library: NodeAv, stream: Stream): StreamInfo => {
  const { av, constants } = library;
  const parameters = stream.codecpar;
  const kind = kindOf(library, parameters.codecType);
  const size = kind === "video" ? { width: parameters.width, height: parameters.height } : {};
  return {
    index: stream.index,
    kind,
    codec: av.avGetCodecName(parameters.codecId) ?? "unknown",
    ...size,
    attachedPicture: stream.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC),
  };
};

const displayMatrix = ({ constants }: NodeAv, stream: Stream): number[] | undefined => {
  const data = stream.codecpar.getCodedSideData(constants.AV_PKT_DATA_DISPLAYMATRIX);
  if (data === null || data.length < 36) return undefined;
  return Array.from({ length: 9 }, (_, i) => data.readInt32LE(i * 4));
};

/** What of a colour is stored with streams and with pictures. */
interface ColourCodes {
  readonly colorSpace: unknown;
  readonly colorRange: unknown;
  readonly format: unknown;
}

/** Colour facts by FFmpeg's names. */
export const colourOf = ({ av, constants: c }: NodeAv, codes: ColourCodes): StoredColour => {
  const matrix = nameOf(
    [
      [c.AVCOL_SPC_BT709, "bt709"],
      [c.AVCOL_SPC_FCC, "fcc"],
      [c.AVCOL_SPC_BT470BG, "bt470bg"],
      [c.AVCOL_SPC_SMPTE170M, "smpte170m"],
      [c.AVCOL_SPC_SMPTE240M, "smpte240m"],
      [c.AVCOL_SPC_BT2020_NCL, "bt2020nc"],
      [c.AVCOL_SPC_BT2020_CL, "bt2020c"],
      [c.AVCOL_SPC_YCGCO, "ycgco"],
      [c.AVCOL_SPC_SMPTE2085, "smpte2085"],
      [c.AVCOL_SPC_CHROMA_DERIVED_NCL, "chroma-derived-nc"],
      [c.AVCOL_SPC_CHROMA_DERIVED_CL, "chroma-derived-c"],
      [c.AVCOL_SPC_ICTCP, "ictcp"],
    ],
    codes.colorSpace,
  );
  const range = nameOf(
    [
      [c.AVCOL_RANGE_MPEG, "tv"],
      [c.AVCOL_RANGE_JPEG, "pc"],
    ],
    codes.colorRange,
  );
  return { pixelFormat: av.avGetPixFmtName(codes.format as never) ?? "unknown", matrix, range };
};

const factsOf = (
  library: NodeAv,
  container: string,
  streams: readonly StreamInfo[],
  stream: Stream,
  opening: Opening,
): SourceFacts => {
  const { av, constants: c } = library;
  const parameters = stream.codecpar;
  const own = stream.sampleAspectRatio;
  const ratio = own.num > 0 && own.den > 0 ? own : parameters.sampleAspectRatio;
  const transfer = nameOf(
    [
      [c.AVCOL_TRC_SMPTE2084, "smpte2084"],
      [c.AVCOL_TRC_ARIB_STD_B67, "arib-std-b67"],
    ],
    parameters.colorTrc,
  );
  const timeBase = stream.timeBase;
  return {
    opening,
    container,
    streams,
    streamIndex: stream.index,
    streamId: stream.id > 0 ? stream.id : undefined,
    codec: av.avGetCodecName(parameters.codecId) ?? "unknown",
    codedWidth: parameters.width,
    codedHeight: parameters.height,
    colour: colourOf(library, parameters),
    transfer,
    orientation: orientationOf(displayMatrix(library, stream)),
    sampleAspectRatio: ratio.num > 0 && ratio.den > 0 ? [ratio.num, ratio.den] : [1, 1],
    timeBase: [timeBase.num, timeBase.den],
    reorderDepth: parameters.videoDelay,
  };
};

/** Reads packets; those of fragments whose clock goes back are moved, and no longer taken for repeats. */
const packetReading = (
  { constants }: NodeAv,
  format: FormatContext,
  stream: Stream,
  opening: Opening,
): Opened["read"] => {
  const shifts = (opening.shifts ?? []).filter(({ track }) => track === stream.id);
  if (shifts.length === 0) return (packet) => format.readFrameSync(packet);
  const { index } = stream;
  let next = 0;
  return (packet) => {
    const status = format.readFrameSync(packet);
    if (status < 0 || packet.streamIndex !== index) return status;
    while (next < shifts.length && packet.pos > shifts[next]!.fragment) next++;
    const shift = shifts[next - 1];
    if (shift === undefined) return status;
    const ticks = BigInt(shift.ticks);
    packet.pts += ticks;
    packet.dts += ticks;
    packet.clearFlags(constants.AV_PKT_FLAG_DISCARD);
    return status;
  };
};

/** Opens a file with every guard on. @throws {VideoError} with the reason */
export const openFile = (library: NodeAv, file: string, opening: Opening, limits: VideoLimits): Opened => {
  const { av, constants } = library;
  const format = new av.FormatContext();
  const forced = opening.format === undefined ? null : av.InputFormat.findInputFormat(opening.format);
  const options = av.Dictionary.fromObject({
    protocol_whitelist: "file",
    format_whitelist: admittedFormats.join(","),
    codec_whitelist: admittedCodecs.join(","),
    max_streams: "100",
    ...(opening.ignoreEdits === true && { ignore_editlist: "1" }),
  });
  const opened = format.openInputSync(`file:${file}`, forced, options);
  options.free();
  if (opened < 0) {
    format.freeContext();
    throw new VideoError("not a video that can be opened", {
      where: file,
      expected: refusedContainer,
      got: openingReason(av.FFmpegError.strerror(opened)),
    });
  }
  const close = (): void => format.closeInputSync();
  try {
    const container = format.iformat?.name ?? "unknown";
    const found = format.findStreamInfoSync(null);
    if (found < 0 && format.nbStreams === 0)
      throw new VideoError("no streams found", { where: file, got: av.FFmpegError.strerror(found) });
    const streams = format.streams.map((stream) => describeStream(library, stream));
    const chosen = chooseStream(file, streams, limits, opening.notFilms);
    const stream = format.streams[chosen.index]!;
    for (const other of format.streams)
      if (other.index !== chosen.index) other.discard = constants.AVDISCARD_ALL;
    const facts = factsOf(library, container, streams, stream, opening);
    const extradata = stream.codecpar.extradata;
    return {
      format,
      stream,
      facts,
      extradata: extradata === null ? undefined : Uint8Array.from(extradata),
      read: packetReading(library, format, stream, opening),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
};
