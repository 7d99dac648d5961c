/**
 * What the programs ffprobe and ffmpeg say about a clip: every frame's time, and every frame's hash as rgb24 of the
 * stored size, turned upright by ffmpeg itself. Uses nothing of `src/`.
 */
import { spawnSync } from "node:child_process";

interface Stream {
  readonly index: number;
  readonly codec_type?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly color_space?: string;
  readonly color_range?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/** A clip as the programs see it; undefined stands for a file without a film in it. */
export interface ReferenceFrames {
  readonly streamIndex: number;
  /** Width and height of the upright picture, pixel shape not applied. */
  readonly upright: readonly [number, number];
  /** Clockwise degrees. */
  readonly rotation: number;
  /** Seconds on the container's clock; null where ffprobe knows none. */
  readonly timesSeconds: readonly (number | null)[];
  /** MD5 of every frame. */
  readonly md5: readonly string[];
}

const run = (command: string, args: readonly string[]): string =>
  spawnSync(command, args, { maxBuffer: 1 << 30 }).stdout?.toString() ?? "";

/** ffmpeg's name of the matrix for its scale filter, by ffprobe's; what is not marked is BT.601. */
const matrixNames: Readonly<Record<string, string>> = {
  bt709: "bt709",
  bt2020nc: "bt2020",
  smpte240m: "smpte240m",
  fcc: "fcc",
};

const conversionOf = (stream: Stream): string => {
  const exact = "flags=accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";
  const format = stream.pix_fmt ?? "";
  if (/^(rgb|bgr|gbr|argb|abgr|pal8|0rgb|0bgr)/.test(format)) return `scale=${exact},format=rgb24`;
  const matrix = matrixNames[stream.color_space ?? ""] ?? "bt601";
  const range = stream.color_range === "pc" || format.startsWith("yuvj") ? "pc" : "tv";
  return `scale=in_color_matrix=${matrix}:in_range=${range}:out_range=pc:${exact},format=rgb24`;
};

/** Asks both programs about a clip; its largest film counts. */
export const referenceFrames = (path: string): ReferenceFrames | undefined => {
  const answer = run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", path]);
  const { streams } = JSON.parse(answer || "{}") as { streams?: readonly Stream[] };
  const films = (streams ?? []).filter(
    (stream) => stream.codec_type === "video" && stream.disposition?.attached_pic !== 1,
  );
  const area = (stream: Stream): number => (stream.width ?? 0) * (stream.height ?? 0);
  const stream = films.toSorted((a, b) => area(b) - area(a))[0];
  if (stream === undefined) return undefined;
  const chosen = ["-select_streams", String(stream.index)];
  const show = ["-show_frames", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"];
  const lines = run("ffprobe", ["-v", "quiet", "-threads", "1", ...chosen, ...show, path]).split("\n");
  const timesSeconds = lines
    .map((line) => line.split(",")[0] ?? "")
    .filter((text) => /^(-?[\d.]+|N\/A)$/.test(text))
    .map((text) => (text === "N/A" ? null : Number(text)));
  const turned = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const rotation = ((-turned % 360) + 360) % 360;
  const input = ["-nostdin", "-v", "quiet", "-threads", "1", "-i", path, "-map", `0:${stream.index}`];
  const filter = ["-vf", conversionOf(stream), "-fps_mode", "passthrough"];
  const md5 = run("ffmpeg", [...input, ...filter, "-f", "framehash", "-hash", "md5", "-"])
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").at(-1)!.trim());
  const [width, height] = [stream.width ?? 0, stream.height ?? 0];
  const swaps = rotation % 180 === 90;
  return {
    streamIndex: stream.index,
    upright: swaps ? [height, width] : [width, height],
    rotation,
    timesSeconds,
    md5,
  };
};
