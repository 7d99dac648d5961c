import { VideoPerceiverError } from "../core/errors.ts";
import type { JobContext } from "./job-context.ts";
import type { NamedClip } from "./named-clips.ts";
import { timeLeftOf } from "./time-left.ts";

/** A clip of which nothing came, and why. */
export interface FailedClip {
  readonly file: string;
  readonly error: string;
}

/** What came of many clips, in their order. */
export interface EachClip<Result> {
  readonly done: readonly { readonly file: string; readonly result: Result }[];
  readonly failed: readonly FailedClip[];
}

/**
 * Does the same for many clips with one display of how far it is. A clip that fails is named, counted and told at the
 * end; the others go on.
 */
export const eachClip = async <Result>(
  clips: readonly NamedClip[],
  label: string,
  work: (clip: NamedClip, at: number, context: JobContext) => Promise<Result>,
  context: JobContext,
): Promise<EachClip<Result>> => {
  const progress = timeLeftOf(context.progress(label, "clips"));
  const quiet: JobContext = { ...context, progress: () => ({ update: () => {}, log: () => {} }) };
  const done: { file: string; result: Result }[] = [];
  const failed: FailedClip[] = [];
  for (const [at, clip] of clips.entries()) {
    context.signal.throwIfAborted();
    const named: JobContext = { ...quiet, warn: (line) => context.warn(`${clip.file}: ${line}`) };
    try {
      done.push({ file: clip.file, result: await work(clip, at, named) });
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      failed.push({ file: clip.file, error: error.message });
      context.warn(error.message.includes(clip.file) ? error.message : `${clip.file}: ${error.message}`);
    }
    progress.update(at + 1, clips.length, failed.length > 0 ? `${failed.length} failed` : undefined);
  }
  return { done, failed };
};
