import { join } from "node:path";
import { shownPicture } from "../../absent/twin-view.ts";
import { assert, VideoPerceiverError } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { readSamples } from "../../dataset/read.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { View } from "../../evaluation/interventions.ts";
import type { ClipShape } from "../../frames/clip-patches.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
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

/** How the quickstart's model cuts its pictures. */
export const patchShape: ClipShape = { patchSize: 14, spatialMergeSize: 2, temporalPatchSize: 2 };

/** One rgb24 array a frame; views of the batch's memory. */
export const picturesOf = (frames: FrameBatch): Uint8Array[] =>
  frames.frames.map((_, position) => pixelsOf(frames, position));

/** What is shown at each position: source frame indices of the batch's clip (null: mid grey), some of them painted. */
export const shownPictures = (
  frames: FrameBatch,
  { shown_T, painted }: Pick<View, "shown_T" | "painted">,
): Uint8Array[] => {
  const { width, height } = frames;
  const places = new Map(frames.frames.map(({ index }, position) => [index as number, position]));
  const grey = new Uint8Array(width * height * 3).fill(128);
  return shown_T.map((index, t) => {
    const position = index === null ? undefined : places.get(index);
    assert(index === null || position !== undefined, `frame ${index} is not in memory`);
    const picture = position === undefined ? grey : pixelsOf(frames, position);
    const pixels = painted?.at_T[t] === true ? painted.pixels : null;
    return shownPicture({ source: index ?? 0, pixels }, picture, width, height);
  });
};
