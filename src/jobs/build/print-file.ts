import { fileSource } from "../../absent/pair-source.ts";
import { scoredFrames } from "../../absent/scored-frames.ts";
import { VideoPerceiverError } from "../../core/errors.ts";
import { clipPrint, printFrames } from "../../dataset/clip-print.ts";
import type { Timeline } from "../../video/types.ts";
import { openClips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import type { ClipReading } from "./protocol.ts";
import { rememberFrames, type SeenClip } from "./seen-frames.ts";

/** The frames of a clip that its print is made of: at even fractions of those that are scored. */
export const printIndices = (sampled: Timeline): number[] =>
  Array.from(
    { length: printFrames },
    (_, at): number => sampled[Math.floor(((at + 0.5) * sampled.length) / printFrames)]!.index,
  );

/** The print of a clip by frames of its timeline; `alsoNeeded` are decoded in the same pass. */
export const printOfClip = async (
  clip: SeenClip,
  sampled: Timeline,
  alsoNeeded: readonly number[],
  signal: AbortSignal,
): Promise<string | undefined> => {
  const indices = printIndices(sampled);
  const needed = [...new Set([...indices, ...alsoNeeded])].sort((a, b) => a - b);
  const pictures = await clip.pictures(needed, signal);
  const { width, height } = clip.size;
  return clipPrint(
    indices.map((index) => pictures.get(index)!),
    width,
    height,
  );
};

/** A clip's content and print. */
export interface FilePrint {
  readonly file: string;
  readonly sha256: string;
  readonly print: string | undefined;
  readonly durationSeconds: number;
}

/** Content and print of files; one that cannot be read is told and left out. */
export async function* printFile(
  files: readonly string[],
  reading: ClipReading,
  context: JobContext,
): AsyncGenerator<FilePrint> {
  await using clips = openClips(reading, (line) => context.warn(line));
  for (const file of files)
    try {
      const clip = rememberFrames(
        await fileSource(clips.direct, file, (path) => clips.sha256(path), context.signal),
      );
      const { timeline, durationSeconds, clip: known } = clip.source;
      const print = await printOfClip(clip, scoredFrames(timeline, "auto"), [], context.signal);
      yield { file, sha256: known.sha256, print, durationSeconds };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      context.warn(`${file} is not compared: ${error.message}`);
    }
}
