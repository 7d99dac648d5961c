import { fileSource, fittedWithin } from "../../absent/pair-source.ts";
import { scoredFrames } from "../../absent/scored-frames.ts";
import { seededRandom } from "../../core/random.ts";
import { clipPrint } from "../../dataset/clip-print.ts";
import type { ClipReference } from "../../dataset/sample.ts";
import { planWindows } from "../../fragments/windows.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import type { PictureSize } from "../../video/frame-size.ts";
import type { TimedFrame } from "../../video/types.ts";
import { printIndices } from "../build/print-file.ts";
import type { PlannedClip } from "../build/protocol.ts";
import { storeClip, storedName } from "../build/store-clip.ts";
import type { FragmentTools } from "./tools.ts";

/** A clip of which everything that is needed was decoded, in one pass. */
export interface DecodedClip {
  readonly clip: ClipReference;
  /** Perceptual print; undefined: the clip shows nothing. */
  readonly print: string | undefined;
  /** Frames of the clip's windows, as large as they are shown; they lie in `memory`. */
  readonly windows: readonly FrameBatch[];
  /** Given back when the clip is done with. */
  readonly memory: Uint8Array;
}

/** The pictures in one piece: a view where they lie one behind the other already. */
const joined = (pictures: readonly Uint8Array[]): Uint8Array => {
  const first = pictures[0];
  if (first === undefined) return new Uint8Array(0);
  const { buffer, byteOffset, length } = first;
  const lie = pictures.every(
    (one, at) => one.buffer === buffer && one.byteOffset === byteOffset + at * length,
  );
  return lie ? new Uint8Array(buffer, byteOffset, pictures.length * length) : Buffer.concat(pictures);
};

/** The frames of a clip that were decoded, as a batch. */
export const batchOf = (
  frames: readonly TimedFrame[],
  pixels: ReadonlyMap<number, Uint8Array>,
  { width, height }: PictureSize,
): FrameBatch => {
  const known = frames.filter(({ index }) => pixels.has(index));
  return {
    frames: known,
    pixels: joined(known.map(({ index }) => pixels.get(index)!)),
    width,
    height,
  };
};

/**
 * Decodes the frames of a clip's windows, and those of its print, in one pass.
 *
 * @throws {VideoError} when the clip cannot be read
 */
export const decodeClip = async (
  { path, name }: PlannedClip,
  { order, clips, memory }: FragmentTools,
  signal: AbortSignal,
): Promise<DecodedClip> => {
  const { settings, out } = order;
  const source = await fileSource(clips.direct, path, (file) => clips.sha256(file), signal);
  const { timeline, durationSeconds, clip: known } = source;
  const random = seededRandom(settings.seed, "windows", name, known.sha256);
  const windows = planWindows(timeline, durationSeconds, settings, random);
  const printed = printIndices(scoredFrames(timeline, "auto"));
  const size = fittedWithin(source, settings.pixels);
  // One piece of memory for all: frames of a window lie behind each other.
  const places = [...new Set([...windows.flat(), ...printed])];
  const bytes = size.width * size.height * 3;
  const all = memory.frames.take(places.length * bytes);
  const placeOf = new Map(places.map((index, at) => [index, at]));
  const indices = places.toSorted((a, b) => a - b);
  const pixels = new Map<number, Uint8Array>();
  // A frame that could not be decoded repeats its neighbour: no frame of its own.
  const request = { select: { kind: "indices", indices }, size, resizer: "zscale", lent: true } as const;
  for await (const batch of clips.direct.frames(path, request, signal))
    for (const [at, { index }] of batch.frames.entries())
      if (batch.repeated?.includes(index) !== true || printed.includes(index)) {
        const start = placeOf.get(index)! * bytes;
        all.set(pixelsOf(batch, at), start);
        pixels.set(index, all.subarray(start, start + bytes));
      }
  // Rows of pictures stay beside the clip that they are of; rows of short clips only name its content.
  const isImages = settings.form === "images";
  if (isImages) storeClip(path, known.sha256, out, settings.store);
  const prints = printed.flatMap((index) => pixels.get(index) ?? []);
  return {
    clip: {
      file: isImages ? storedName(path, known.sha256, out, settings.store) : "",
      sha256: known.sha256,
      timeline,
      ...(durationSeconds > 0 && { durationSeconds }),
    },
    print: prints.length === printed.length ? clipPrint(prints, size.width, size.height) : undefined,
    memory: all,
    windows: windows.map((window) => {
      const frames = window.map((at) => timeline[at]!);
      return batchOf(frames, pixels, size);
    }),
  };
};
