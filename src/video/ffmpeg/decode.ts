import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { VideoError } from "../../core/errors.ts";
import type { ClipIndex, DecodeOrder, DecodeOutcome } from "../backend/backend.ts";
import { steadySize } from "../filter-chain.ts";
import { startingKeys } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { inputArguments, reasonIn, start } from "./program.ts";
import { mostLeaves, selectExpression, wantedSpans } from "./select-expression.ts";
import { feedShifted } from "./shifted-input.ts";

/** Packets that are rather decoded than skipped by starting another process. */
const packetsWorthAProcess = 250;

/** One run of ffmpeg: frames to get, and where to start. */
interface Run {
  readonly targets: readonly number[];
  /** Seconds on the container's clock, or undefined for the beginning. */
  readonly seekSeconds: number | undefined;
}

const planRuns = (clip: ClipIndex, targets: readonly number[]): Run[] => {
  const { packets, frames, facts } = clip;
  const canSeek = /^(mov|matroska)/.test(facts.container) && facts.opening.shifts === undefined;
  if (frames.source === "decoded" || !canSeek) return [{ targets, seekSeconds: undefined }];
  const starts = startingKeys(packets);
  const [num, den] = facts.timeBase;
  const runs: { targets: number[]; seekSeconds: number | undefined }[] = [];
  let reached = 0;
  for (const frame of targets) {
    const packet = frames.packet[frame]!;
    const key = starts[packet]!;
    const last = runs.at(-1);
    if (key > reached + packetsWorthAProcess)
      runs.push({ targets: [frame], seekSeconds: (packets.pts[key]! * num) / den });
    else if (last === undefined) runs.push({ targets: [frame], seekSeconds: undefined });
    else last.targets.push(frame);
    reached = Math.max(reached, packet);
  }
  return runs;
};

/** The values by which frames are chosen in the program: numbers where frames were counted, else times in ticks. */
const valuesOf = ({ frames }: ClipIndex, { targets }: Run): readonly number[] =>
  frames.source === "decoded" ? targets : targets.map((frame) => frames.pts[frame]!);

/**
 * The filter that lets only wanted frames pass; undefined: all pass and most are thrown away. Where the picture size
 * changes ffmpeg builds its filters anew, and their count begins again.
 */
const selectFilter = (clip: ClipIndex, run: Run): string | undefined => {
  const counted = clip.frames.source === "decoded";
  const spans = wantedSpans(valuesOf(clip, run), run.targets);
  if (spans.length > mostLeaves || (counted && clip.sizes.length > 0)) return undefined;
  return `select='${selectExpression(counted ? "n" : "pts", spans)}'`;
};

const commandOf = (clip: ClipIndex, order: DecodeOrder, limits: VideoLimits, run: Run): string[] => {
  const { facts, file } = clip;
  const size = steadySize(facts.codedWidth, facts.codedHeight);
  const tell = ["metadata=mode=add:key=frame:value=1", "metadata=mode=print:direct=1:file='pipe\\:3'"];
  const seek =
    run.seekSeconds === undefined
      ? []
      : ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", String(run.seekSeconds + 1e-6)];
  // Damaged streams decode differently with several threads.
  const threads = clip.faults.length > 0 ? 1 : order.threads;
  const filters = [selectFilter(clip, run) ?? [], tell, size, order.chain].flat();
  return [
    ...["-nostdin", "-v", "error", "-nostats", "-stats_period", "1", "-progress", "pipe:4"],
    ...["-threads", String(threads), "-noautorotate", "-copyts", ...seek],
    ...inputArguments(file, facts.opening, limits),
    ...["-map", `0:${facts.streamIndex}`, "-vf", filters.join(",")],
    ...["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"],
  ];
};

/** Pieces of a fixed size out of a stream; memory of each is used again. */
async function* pieces(stream: Readable, size: number): AsyncGenerator<Uint8Array> {
  const whole = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(size - filled, chunk.length - at);
      whole.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled === size) {
        yield whole;
        filled = 0;
      }
    }
  }
}

/** Tells for each picture of a run, in order, which frame it is; undefined: none that is known. */
const frameTeller = (clip: ClipIndex, run: Run, lines: Readable): (() => Promise<number | undefined>) => {
  const { frames } = clip;
  const selected = selectFilter(clip, run) !== undefined;
  const byTime = new Map(run.targets.map((frame) => [frames.pts[frame]!, frame]));
  const told = createInterface({ input: lines })[Symbol.asyncIterator]();
  let count = 0;
  return async () => {
    for (;;) {
      const step = await told.next();
      if (step.done === true) return undefined;
      const time = /^frame:\d+\s+pts:(-?\d+|NOPTS)/.exec(step.value)?.[1];
      if (time === undefined) continue;
      const number = count++;
      if (frames.source === "packets") return byTime.get(Number(time)) ?? -1;
      return selected ? run.targets[number] : number;
    }
  };
};

/** Runs ffmpeg once; false when the receiver wants no more. */
const runOnce = async (
  clip: ClipIndex,
  order: DecodeOrder,
  limits: VideoLimits,
  run: Run,
  done: Set<number>,
  faults: Set<string>,
): Promise<boolean> => {
  const { child, ended } = start("ffmpeg", commandOf(clip, order, limits, run), 2);
  feedShifted(child, clip.file, clip.facts.opening);
  child.stdio[4]?.on("data", () => order.alive());
  const nextFrame = frameTeller(clip, run, child.stdio[3] as Readable);
  const wanted = new Set(run.targets);
  const last = run.targets.at(-1)!;
  let more = true;
  for await (const rgb of pieces(child.stdout!, order.width * order.height * 3)) {
    order.alive();
    const frame = await nextFrame();
    if (frame === undefined) break;
    if (!wanted.has(frame) || done.has(frame)) continue;
    done.add(frame);
    more = await order.deliver(frame, rgb, order.width, order.height);
    if (!more || frame === last) break;
  }
  const complete = done.has(last) || !more;
  if (complete) child.kill("SIGKILL");
  const { complaint } = await ended;
  if (!complete && done.size === 0 && complaint !== "")
    throw new VideoError("no frame can be decoded", {
      where: clip.file,
      got: reasonIn(complaint, clip.file),
    });
  if (complaint !== "") faults.add(`damaged: ${reasonIn(complaint, clip.file)}`);
  return more;
};

/** Decodes the wanted frames with as few runs of ffmpeg as seeking allows; what is missing is looked for linearly. */
export const decodeFrames = async (
  clip: ClipIndex,
  order: DecodeOrder,
  limits: VideoLimits,
): Promise<DecodeOutcome> => {
  const done = new Set<number>();
  const faults = new Set<string>();
  const targets = [...order.targets];
  for (const run of planRuns(clip, targets))
    if (!(await runOnce(clip, order, limits, run, done, faults))) return { faults: [...faults] };
  return { faults: [...faults] };
};
