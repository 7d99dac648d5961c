import { join } from "node:path";
import type { ClipPatches } from "../../batch/segments.ts";
import { VideoPerceiverError } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { readSamples } from "../../dataset/read.ts";
import type { Sample } from "../../dataset/sample.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import { stepPatches } from "../../frames/patch-bytes.ts";
import { readFrames } from "../../frames/read-frames.ts";
import { openVideoService } from "../../video/service.ts";

/** A clip of a data set in memory: its sampled frames and all its samples. */
export interface MemoryClip {
  readonly sha256: string;
  readonly samples: readonly Sample[];
  readonly frames: FrameBatch;
}

/** Clips in the data set's order, and those that could not be read. */
export interface LoadedClips {
  readonly clips: readonly MemoryClip[];
  readonly dropped: readonly { readonly file: string; readonly reason: string }[];
}

/** Decodes every clip of a data set once, at `framesPerSecond`; several questions on one clip share the frames. */
export const loadClips = async (
  folder: string,
  framesPerSecond: number,
  context: { readonly progress: Progress; readonly signal: AbortSignal; readonly total: number },
): Promise<LoadedClips> => {
  const groups = new Map<string, Sample[]>();
  for await (const sample of readSamples(folder)) {
    const known = groups.get(sample.clip.sha256);
    if (known === undefined) groups.set(sample.clip.sha256, [sample]);
    else known.push({ ...sample, clip: known[0]!.clip });
  }
  const entries = [...groups];
  const clips = new Array<MemoryClip | undefined>(entries.length);
  const dropped: { file: string; reason: string }[] = [];
  await using service = openVideoService();
  let next = 0;
  let done = 0;
  const read = async (): Promise<void> => {
    while (next < entries.length) {
      context.signal.throwIfAborted();
      const at = next++;
      const [sha256, samples] = entries[at]!;
      const { file } = samples[0]!.clip;
      try {
        const request = { select: { kind: "fps", fps: framesPerSecond } } as const;
        const frames = await readFrames(service, join(folder, file), request, context.signal);
        clips[at] = { sha256, samples, frames };
      } catch (error) {
        if (!(error instanceof VideoPerceiverError)) throw error;
        dropped.push({ file, reason: error.message });
      }
      context.progress.update(++done, context.total);
    }
  };
  await Promise.all(Array.from({ length: 6 }, read));
  return { clips: clips.filter((clip) => clip !== undefined), dropped };
};

const patch = { patchSize: 14, spatialMergeSize: 2 } as const;

/** Patches of the frames shown at each position (positions of the batch; null: mid grey). An odd end repeats. */
export const patchesOf = (
  frames: FrameBatch,
  shown: readonly (number | null)[],
  framesPerSecond: number,
): ClipPatches => {
  const grey = new Uint8Array(frames.width * frames.height * 3).fill(128);
  const picture = (t: number): Uint8Array => {
    const position = shown[Math.min(t, shown.length - 1)]!;
    return position === null ? grey : pixelsOf(frames, position);
  };
  const rows = frames.height / patch.patchSize;
  const columns = frames.width / patch.patchSize;
  const steps = Array.from({ length: Math.ceil(shown.length / 2) }, (_, step) => {
    const out = new Uint8Array(rows * columns * 6 * patch.patchSize ** 2);
    stepPatches([picture(2 * step), picture(2 * step + 1)], frames.width, frames.height, patch, out);
    return out;
  });
  return { rows, columns, secondsPerStep: 2 / framesPerSecond, steps };
};

/** Positions 0, 1, ... of a batch. */
export const allPositions = (frames: FrameBatch): number[] => frames.frames.map((_, position) => position);
