import { VideoError } from "../../core/errors.ts";
import { parseJson } from "../../core/json-text.ts";
import { openingReason, refusedContainer } from "../backend/admitted.ts";
import type { Opening, SourceFacts } from "../backend/backend.ts";
import { chooseStream } from "../backend/choose-stream.ts";
import type { PictureSize } from "../frame-size.ts";
import { tooLarge, type VideoLimits } from "../limits.ts";
import { orientationOf } from "../orientation.ts";
import type { StreamInfo } from "../types.ts";
import { inputArguments, reasonIn, runText } from "./program.ts";

/** The part of ffprobe's stream description that is used. */
interface ProbedStream {
  readonly index: number;
  /** Hexadecimal. */
  readonly id?: string;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly color_space?: string;
  readonly color_range?: string;
  readonly color_transfer?: string;
  readonly sample_aspect_ratio?: string;
  readonly time_base?: string;
  readonly duration_ts?: number;
  readonly nb_frames?: string;
  readonly has_b_frames?: number;
  readonly disposition?: { readonly attached_pic?: number };
  readonly side_data_list?: readonly { readonly displaymatrix?: string }[];
}

const fraction = (
  text: string | undefined,
  otherwise: readonly [number, number],
): readonly [number, number] => {
  const [num, den] = (text ?? "").split(/[:/]/).map(Number);
  return num !== undefined && den !== undefined && num > 0 && den > 0 ? [num, den] : otherwise;
};

/** A name that says something. */
export const known = (name: string | undefined): string | undefined =>
  name === undefined || name === "unknown" || name === "reserved" ? undefined : name;

/** ffprobe prints the display matrix as lines of a hex dump: offset, three numbers. */
const matrixOf = (stream: ProbedStream): number[] | undefined => {
  const text = stream.side_data_list?.find((data) => data.displaymatrix !== undefined)?.displaymatrix;
  if (text === undefined) return undefined;
  const rows = text.split("\n").filter((line) => line.includes(":"));
  return rows.flatMap((line) =>
    line
      .slice(line.indexOf(":") + 1)
      .trim()
      .split(/\s+/)
      .map(Number),
  );
};

const describe = (stream: ProbedStream): StreamInfo => {
  const kinds = ["video", "audio", "subtitle"] as const;
  const kind = kinds.find((name) => name === stream.codec_type) ?? "other";
  return {
    index: stream.index,
    kind,
    codec: stream.codec_name ?? "unknown",
    ...(kind === "video" && { width: stream.width ?? 0, height: stream.height ?? 0 }),
    attachedPicture: stream.disposition?.attached_pic === 1,
  };
};

/** The picture size that FFmpeg complained about. */
const sizeBeyond = (complaint: string): PictureSize | undefined => {
  const found = /Picture size (\d+)x(\d+) (?:exceeds|is invalid)/.exec(complaint);
  return found === null ? undefined : { width: Number(found[1]), height: Number(found[2]) };
};

/** Asks ffprobe about a file. @throws {VideoError} with the reason */
export const probeFacts = async (
  file: string,
  opening: Opening,
  limits: VideoLimits,
): Promise<SourceFacts> => {
  const what = ["-show_streams", "-show_format", "-of", "json"];
  const args = ["-v", "error", ...what, ...inputArguments(file, opening, limits)];
  const { code, complaint, text } = await runText("ffprobe", args, { file, opening });
  const beyond = sizeBeyond(complaint);
  if (code !== 0 && beyond !== undefined) throw tooLarge(file, limits, beyond);
  if (code !== 0)
    throw new VideoError("not a video that can be opened", {
      where: file,
      expected: refusedContainer,
      got: openingReason(reasonIn(complaint, file)),
    });
  const answer = parseJson(text, "ffprobe") as {
    streams?: readonly ProbedStream[];
    format?: { format_name?: string };
  };
  const streams = answer.streams ?? [];
  const sized = streams.some(({ codec_type, width }) => codec_type === "video" && (width ?? 0) > 0);
  if (!sized && beyond !== undefined) throw tooLarge(file, limits, beyond);
  const chosen = chooseStream(file, streams.map(describe), limits, opening.notFilms);
  const stream = streams.find((one) => one.index === chosen.index)!;
  const streamId = Number(stream.id);
  return {
    opening,
    container: answer.format?.format_name ?? "unknown",
    streams: streams.map(describe),
    streamIndex: stream.index,
    streamId: streamId > 0 ? streamId : undefined,
    codec: stream.codec_name ?? "unknown",
    codedWidth: stream.width ?? 0,
    codedHeight: stream.height ?? 0,
    colour: {
      pixelFormat: known(stream.pix_fmt) ?? "unknown",
      matrix: known(stream.color_space),
      range: known(stream.color_range),
    },
    transfer: ["smpte2084", "arib-std-b67"].find((name) => name === stream.color_transfer),
    orientation: orientationOf(matrixOf(stream)),
    sampleAspectRatio: fraction(stream.sample_aspect_ratio, [1, 1]),
    timeBase: fraction(stream.time_base, [1, 1000]),
    reorderDepth: stream.has_b_frames ?? 0,
    ...(stream.duration_ts !== undefined && { durationTicks: stream.duration_ts }),
    ...(stream.nb_frames !== undefined && { listedFrames: Number(stream.nb_frames) }),
  };
};
