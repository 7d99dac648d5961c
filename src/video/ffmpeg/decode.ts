import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { VideoError } from "../../core/errors.ts";
import type { ClipIndex, DecodeOrder, DecodeOutcome } from "../backend/backend.ts";
import { steadySize } from "../filter-chain.ts";
import { startingKeys } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { inputArguments, reasonIn, start } from "./program.ts";
import { mostLeaves, selectExpression, wantedSpans } from "./select-expression.ts";

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
  if (frames.source === "decoded" || !/^(mov|matroska)/.test(facts.container))
    return [{ targets, seekSeconds: undefined }];
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

const commandOf = (clip: ClipIndex, order: DecodeOrder, limits: VideoLimits, run: Run): string[] => {
  const { frames, facts, file } = clip;
  const counted = frames.source === "decoded";
  const values = run.targets.map((frame) => (counted ? frame : frames.pts[frame]!));
  const spans = wantedSpans(values, run.targets);
  const size = steadySize(facts.codedWidth, facts.codedHeight);
  const select =
    spans.length <= mostLeaves ? [`select='${selectExpression(counted ? "n" : "pts", spans)}'`] : [];
  const tell = ["metadata=mode=add:key=frame:value=1", "metadata=mode=print:direct=1:file='pipe\\:3'"];
  const seek =
    run.seekSeconds === undefined
      ? []
      : ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", String(run.seekSeconds + 1e-6)];
  // Damaged streams decode differently with several threads.
  const threads = clip.faults.length > 0 ? 1 : order.threads;
  return [
    ...["-nostdin", "-v", "error", "-nostats", "-stats_period", "1", "-progress", "pipe:4"],
    ...["-threads", String(threads), "-noautorotate", "-reinit_filter", "0", "-copyts", ...seek],
    ...inputArguments(file, facts.opening, limits),
    ...["-map", `0:${facts.streamIndex}`, "-vf", [...select, ...tell, size, order.chain].join(",")],
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

/** Runs ffmpeg once; false when the receiver wants no more. */
const runOnce = async (
  clip: ClipIndex,
  order: DecodeOrder,
  limits: VideoLimits,
  run: Run,
  done: Set<number>,
  faults: Set<string>,
): Promise<boolean> => {
  const { frames } = clip;
  const { child, ended } = start("ffmpeg", commandOf(clip, order, limits, run), 2);
  child.stdin?.end();
  child.stdio[4]?.on("data", () => order.alive());
  const times = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  const nextTime = async (): Promise<{ number: number; pts: number } | undefined> => {
    for (;;) {
      const step = await times.next();
      if (step.done === true) return undefined;
      const found = /^frame:(\d+)\s+pts:(-?\d+|NOPTS)/.exec(step.value);
      if (found !== null) return { number: Number(found[1]), pts: Number(found[2]) };
    }
  };
  const counted = frames.source === "decoded";
  const byTime = new Map(run.targets.map((frame) => [frames.pts[frame]!, frame]));
  const selected = wantedSpans([...run.targets], [...run.targets]).length <= mostLeaves;
  const wanted = new Set(run.targets);
  const last = run.targets.at(-1)!;
  let more = true;
  for await (const rgb of pieces(child.stdout!, order.width * order.height * 3)) {
    order.alive();
    const time = await nextTime();
    if (time === undefined) break;
    const numbered = selected ? run.targets[time.number] : time.number;
    const frame = counted ? numbered : byTime.get(time.pts);
    if (frame === undefined || !wanted.has(frame) || done.has(frame)) continue;
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
