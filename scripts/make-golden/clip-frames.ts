/**
 * What ffprobe and ffmpeg 5.1 (Debian) say about the clips of the shared data: every frame's time, and the hash of some
 * frames as rgb24 of the stored size, upright. Uses nothing of `src/`.
 *
 *     node scripts/make-golden/clip-frames.ts > test/golden/expected/clip-frames.json
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

interface Stream {
  readonly index: number;
  readonly codec_type?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly color_space?: string;
  readonly color_range?: string;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

const folder = join(process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared", "data/clips");
const run = (command: string, args: readonly string[]): string =>
  spawnSync(command, args, { maxBuffer: 1 << 30 }).stdout.toString();

const uprightFilters: Readonly<Record<number, string[]>> = {
  0: [],
  90: ["transpose=clock"],
  180: ["hflip", "vflip"],
  270: ["transpose=cclock"],
};

const describe = (file: string): object | undefined => {
  const path = join(folder, file);
  const probed = JSON.parse(run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", path])) as {
    streams?: readonly Stream[];
  };
  const films = (probed.streams ?? []).filter((stream) => stream.codec_type === "video");
  const area = (stream: Stream): number => (stream.width ?? 0) * (stream.height ?? 0);
  const stream = films.toSorted((a, b) => area(b) - area(a))[0];
  if (stream === undefined) return { file, unusable: "no video stream" };
  const chosen = ["-select_streams", String(stream.index)];
  const show = ["-show_frames", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"];
  const lines = run("ffprobe", ["-v", "quiet", "-threads", "1", ...chosen, ...show, path]).split("\n");
  const timesSeconds = lines
    .map((line) => line.split(",")[0] ?? "")
    .filter((text) => /^(-?[\d.]+|N\/A)$/.test(text))
    .map((text) => (text === "N/A" ? null : Number(text)));
  const turned = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const rotation = ((-turned % 360) + 360) % 360;
  const rgb = /^(rgb|bgr|gbr|pal8)/.test(stream.pix_fmt ?? "");
  const matrix = stream.color_space === "bt709" ? "bt709" : "bt601";
  const range = stream.color_range === "pc" ? "pc" : "tv";
  const exact = "flags=accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";
  const conversion = rgb
    ? `scale=${exact}`
    : `scale=in_color_matrix=${matrix}:in_range=${range}:out_range=pc:${exact}`;
  const filters = [...uprightFilters[rotation]!, conversion, "format=rgb24"].join(",");
  const input = [
    "-nostdin",
    "-v",
    "quiet",
    "-threads",
    "1",
    "-noautorotate",
    "-i",
    path,
    "-map",
    `0:${stream.index}`,
  ];
  const output = ["-vf", filters, "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"];
  const hashes = run("ffmpeg", [...input, ...output])
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").at(-1)!.trim());
  const count = timesSeconds.length;
  const places = [
    0,
    1,
    2,
    Math.floor(count / 3),
    Math.floor(count / 2),
    Math.floor(count * 0.8),
    count - 2,
    count - 1,
  ];
  const indices = [...new Set(places)].filter((at) => at >= 0 && at < count).sort((a, b) => a - b);
  const swaps = rotation % 180 === 90;
  return {
    file,
    streamIndex: stream.index,
    upright: swaps ? [stream.height, stream.width] : [stream.width, stream.height],
    rotation,
    timesSeconds,
    frames: indices.map((index) => ({ index, md5: hashes[index] })),
  };
};

const version = run("ffmpeg", ["-version"]).split("\n")[0];
const files = readdirSync(folder).filter((name) => !/\.(json|md)$/.test(name));
const clips = files.sort().map((file) => JSON.stringify(describe(file)));
process.stdout.write(`{"madeBy": ${JSON.stringify(version)}, "clips": [\n${clips.join(",\n")}\n]}\n`);
