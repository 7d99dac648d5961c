import { fittedWithin, type PairSource } from "../../absent/pair-source.ts";
import { scoredFrames } from "../../absent/scored-frames.ts";
import { seededRandom } from "../../core/random.ts";
import type { TimeSpan } from "../../core/units.ts";
import { clipPrint } from "../../dataset/clip-print.ts";
import { planWindows } from "../../fragments/windows.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import { endOf, indicesForCount } from "../../video/timeline.ts";
import type { Timeline } from "../../video/types.ts";
import { printIndices } from "../build/print-file.ts";
import { batchOf } from "../fragments/decoded-clip.ts";
import type { FineVidBenchSettings } from "./protocol.ts";

/** Pictures of the films of a whole clip at most, and source frames of the stretch that films at all speeds are cut from. */
const [mostScene, mostStretch] = [96, 240];

/** Everything that was decoded of a clip, in one pass. */
export interface DecodedForBenchmark {
  /** Frames of the windows that fragments are drawn from. */
  readonly windows: readonly FrameBatch[];
  /** The whole clip, evenly. */
  readonly scene: FrameBatch;
  /** A stretch without frames left out between its ends, or evenly with some. */
  readonly stretch: FrameBatch;
  /** Perceptual print; null: the clip shows nothing. */
  readonly print: string | null;
}

/** Frames of the stretch around where something is known to happen, else of the first window of a long clip. */
const stretchFrames = (
  timeline: Timeline,
  endSeconds: number,
  windowSeconds: number,
  event: TimeSpan | undefined,
  firstWindow: readonly number[],
): number[] => {
  const isLong = endSeconds > 1.25 * windowSeconds;
  const middle =
    event === undefined
      ? (timeline[firstWindow[0] ?? 0]!.timeSeconds + timeline[firstWindow.at(-1) ?? 0]!.timeSeconds) / 2
      : (event.startSeconds + event.endSeconds) / 2;
  const start = Math.max(0, Math.min(middle - windowSeconds / 2, endSeconds - windowSeconds));
  const inside = timeline.flatMap(({ timeSeconds }, at) =>
    !isLong || (timeSeconds >= start && timeSeconds < start + windowSeconds) ? [at] : [],
  );
  const step = Math.max(1, Math.ceil(inside.length / mostStretch));
  return inside.filter((_, at) => at % step === 0);
};

/**
 * Decodes in one pass what all questions about a clip need.
 *
 * @throws {VideoError} when the clip cannot be read
 */
export const decodeForBenchmark = async (
  source: PairSource,
  name: string,
  event: TimeSpan | undefined,
  settings: FineVidBenchSettings,
  signal: AbortSignal,
): Promise<DecodedForBenchmark> => {
  const { timeline, durationSeconds, clip } = source;
  const end = endOf(timeline, durationSeconds);
  const random = seededRandom(settings.seed, "windows", name, clip.sha256);
  const windows = planWindows(timeline, durationSeconds, { ...settings, perClip: settings.sets }, random);
  const scene =
    timeline.length <= mostScene
      ? timeline.map((_, at) => at)
      : indicesForCount(timeline, mostScene, undefined, durationSeconds);
  const stretch = stretchFrames(timeline, end, settings.windowSeconds, event, windows[0] ?? []);
  const printed = printIndices(scoredFrames(timeline, "auto"));
  const places = [...new Set([...windows.flat(), ...scene, ...stretch])];
  const indices = [...new Set([...places.map((at): number => timeline[at]!.index), ...printed])];
  const size = fittedWithin(source, settings.pixels);
  const pixels = new Map<number, Uint8Array>();
  // A frame that could not be decoded repeats its neighbour: no frame of its own.
  for await (const batch of source.frames(
    indices.sort((a, b) => a - b),
    size,
    "zscale",
    signal,
  ))
    for (const [at, { index }] of batch.frames.entries())
      if (batch.repeated?.includes(index) !== true || printed.includes(index))
        pixels.set(index, Uint8Array.from(pixelsOf(batch, at)));
  const batch = (some: readonly number[]): FrameBatch =>
    batchOf(
      some.map((at) => timeline[at]!),
      pixels,
      size,
    );
  const prints = printed.flatMap((index) => pixels.get(index) ?? []);
  return {
    windows: windows.map(batch),
    scene: batch(scene),
    stretch: batch(stretch),
    print: prints.length === printed.length ? (clipPrint(prints, size.width, size.height) ?? null) : null,
  };
};
