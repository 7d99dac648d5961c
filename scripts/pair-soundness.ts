/**
 * Whether a pair that the command `absent` wrote is sound, checked without the code that wrote it wherever that is
 * possible: ffprobe counts and times the frames of the written clips, ffmpeg hashes their pixels.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkedPair } from "../src/absent/pair.ts";
import { absentBatch, absentStream } from "../src/absent/twin-frames.ts";
import { type TwinView, twinView } from "../src/absent/twin-view.ts";
import { sha256, sha256OfFile } from "../src/core/files.ts";
import { type FrameBatch, pixelsOf } from "../src/frames/frame-batch.ts";
import type { DecoderChoice, VideoService } from "../src/video/service.ts";

/** What the command said with `--json`, the part that is looked at. */
interface Said {
  readonly fidelity: {
    readonly completePsnr: number | null;
    readonly absentPsnr: number | null;
    readonly untouchedPsnr: number | null;
  } | null;
}

/** What became of one clip. */
export interface PairCheck {
  /** One line each; empty: sound. */
  readonly faults: readonly string[];
  /** Set when the command refused the clip with one line (exit status 2). */
  readonly refused?: string;
  readonly frames: number;
  readonly declared: number;
  readonly said: Said | undefined;
}

const program = new URL("../bin/videoperceiver.mjs", import.meta.url).pathname;

const lines = (command: string, args: readonly string[]): string[] => {
  const { stdout, status, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? `status ${status}`}`);
  return stdout.split("\n").filter((line) => line.trim() !== "");
};

/** Times of a file's pictures in presentation order by ffprobe, in seconds from the first one. */
const probedTimes = (file: string): number[] => {
  const args = "-v error -select_streams v:0 -show_entries frame=pts_time -of csv=p=0".split(" ");
  const times = lines("ffprobe", [...args, file]).map((line) => Number.parseFloat(line));
  return times.map((time) => time - times[0]!);
};

/** A hash of every picture of a file as rgb24, decoded by ffmpeg. */
const decodedHashes = (file: string): string[] => {
  const args = ["-v", "error", "-i", file, "-map", "0:v:0", "-fps_mode", "passthrough"];
  return lines("ffmpeg", [...args, "-pix_fmt", "rgb24", "-f", "framemd5", "-"])
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split(",").at(-1)!.trim());
};

const printsOf = async (stream: AsyncIterable<FrameBatch>): Promise<string[]> => {
  const prints: string[] = [];
  for await (const batch of stream)
    for (let at = 0; at < batch.frames.length; at++) prints.push(sha256(pixelsOf(batch, at)));
  return prints;
};

/** Largest clip, in bytes of pixels, whose twin is also made in memory. */
const inMemoryBytes = 200e6;

/** Twin against source before encoding: exactly the declared frames differ. */
const checkFrames = async (
  video: VideoService,
  file: string,
  view: TwinView,
  say: (fault: string) => void,
): Promise<number> => {
  const all = (): AsyncIterable<FrameBatch> => video.frames(file, { select: { kind: "all" } });
  const source = await printsOf(all());
  const compare = (how: string, twin: readonly string[]): void => {
    if (twin.length !== source.length) say(`${how}: ${twin.length} of ${source.length} frames`);
    const wrong = source.flatMap((print, at) => ((twin[at] !== print) === view.changes(at) ? [] : [at]));
    if (wrong.length > 0) say(`${how}: frames ${wrong.slice(0, 5).join(", ")} are not as declared`);
  };
  compare("absentStream", await printsOf(absentStream(all(), view)));
  const parts: FrameBatch[] = [];
  let bytes = 0;
  for await (const part of all()) {
    bytes += part.pixels.length;
    if (bytes > inMemoryBytes) return source.length;
    parts.push(part);
  }
  const clip: FrameBatch = {
    ...parts[0]!,
    frames: parts.flatMap(({ frames }) => frames),
    pixels: Buffer.concat(parts.map(({ pixels }) => pixels)),
  };
  const twin = absentBatch(clip, view);
  compare(
    "absentBatch",
    twin.frames.map((_, at) => sha256(pixelsOf(twin, at))),
  );
  return source.length;
};

/** Both written files: as many pictures as the source at its times, and equal to one another where not declared. */
const checkFiles = (
  folder: string,
  view: TwinView,
  times: readonly number[],
  say: (fault: string) => void,
): void => {
  const files = ["complete.mp4", "absent.mp4"].map((name) => join(folder, name));
  for (const file of files) {
    const found = probedTimes(file);
    if (found.length !== times.length) say(`${file}: ${found.length} frames, source ${times.length}`);
    const off = found.findIndex((time, at) => Math.abs(time - (times[at] ?? Number.NaN)) > 1e-3);
    if (off >= 0) say(`${file}: frame ${off} at ${found[off]} s, source ${times[off]} s`);
  }
  const [complete, absent] = files.map(decodedHashes) as [string[], string[]];
  if (complete.length !== times.length || absent.length !== times.length)
    say(`ffmpeg decodes ${complete.length} and ${absent.length} frames of ${times.length}`);
  const wrong = complete.flatMap((hash, at) => (view.changes(at) || hash === absent[at] ? [] : [at]));
  if (wrong.length > 0) say(`decoded frames ${wrong.slice(0, 5).join(", ")} differ though not declared`);
  if (view.changed.length > 0 && complete.every((hash, at) => hash === absent[at]))
    say("both files show the same");
};

/** Runs `absent` on a clip as a person would and checks everything that it wrote into `folder`. */
export const checkPair = async (request: {
  readonly video: VideoService;
  readonly decoder: DecoderChoice;
  readonly file: string;
  readonly folder: string;
  /** More arguments, e.g. ["--relevance", "motion"]. */
  readonly args?: readonly string[];
}): Promise<PairCheck> => {
  const { video, decoder, file, folder } = request;
  const args = [
    "absent",
    file,
    "--caption",
    "Something moves.",
    "--decoder",
    decoder,
    "--out",
    folder,
    "--force",
  ];
  const run = spawnSync(
    process.execPath,
    [program, ...args, "--json", "--no-cache", ...(request.args ?? [])],
    {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    },
  );
  const nothing = { frames: 0, declared: 0, said: undefined };
  if (run.status === 2)
    return { ...nothing, faults: [], refused: run.stderr.trim().split("\n").at(-1) ?? "" };
  if (run.status !== 0) return { ...nothing, faults: [`status ${run.status}: ${run.stderr.slice(-300)}`] };
  const faults: string[] = [];
  const say = (fault: string): void => {
    faults.push(fault);
  };
  const names = readdirSync(folder).sort().join(" ");
  if (names !== "absent.mp4 complete.mp4 pair.json sheet.png") say(`files: ${names}`);
  const said = JSON.parse(run.stdout) as Said;
  const pair = checkedPair(JSON.parse(readFileSync(join(folder, "pair.json"), "utf8")), folder);
  const info = await video.probe(file);
  const times = info.timeline.map(({ timeSeconds }) => timeSeconds as number);
  const sampledWrong = pair.timeline.some(({ index, timeSeconds }) => times[index] !== timeSeconds);
  if (sampledWrong) say("pair.json has other times than the clip");
  if (pair.source?.sha256 !== (await sha256OfFile(file))) say("pair.json names another source");
  for (const written of [pair.complete, pair.absent!])
    if (written.sha256 !== (await sha256OfFile(join(folder, written.file))))
      say(`${written.file}: other hash`);
  if (!existsSync(join(folder, "sheet.png"))) say("no sheet");
  const view = await twinView(pair);
  const frames = await checkFrames(video, file, view, say);
  checkFiles(folder, view, times, say);
  const { fidelity } = said;
  if (fidelity === null) say("no fidelity reported");
  else {
    const { completePsnr, absentPsnr, untouchedPsnr } = fidelity;
    if (untouchedPsnr !== null) say(`untouched frames at ${untouchedPsnr} dB`);
    // Sharp colours in 4:2:0 cost most: 24 dB on a test card. The twin may not be worse than the complete clip.
    for (const psnr of [completePsnr, absentPsnr]) if (psnr !== null && !(psnr > 20)) say(`PSNR ${psnr}`);
    if (Math.abs((completePsnr ?? 99) - (absentPsnr ?? 99)) > 1.5) say("PSNR of the two far apart");
  }
  return { faults, frames, declared: pair.replacements.length, said };
};
