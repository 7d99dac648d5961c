import { dirname } from "node:path";
import { renderPairPage } from "../absent/clip-page.ts";
import type { MadePair } from "../absent/make-pair.ts";
import { sparsifiedFrames } from "../absent/sparsified-frames.ts";
import { makeFolder, writeFileAtomic } from "../core/files.ts";
import { checkOutput } from "../core/output-place.ts";
import { type ClipsOptions, openClips } from "./clips.ts";
import type { JobContext } from "./job-context.ts";
import { type OpenChoices, type PairRequest, pairOfFile, preparePair } from "./make-pair.ts";

/** Which clip's key frames, and what else is wanted. */
export interface KeyFramesJob {
  readonly file: string;
  readonly request: PairRequest;
  /** What the request chooses, where it was opened for many clips. */
  readonly choices?: OpenChoices;
  readonly clips: ClipsOptions;
  /** Where the pair's page goes. */
  readonly page?: string;
  /** Sample the clip so that about this share of its frames lies around key frames; in (0, 1). */
  readonly sparsify?: number;
}

/** Key frames of a clip with the pair that takes them away. */
export interface FoundKeyFrames {
  readonly made: MadePair;
  readonly sparsified: (ReturnType<typeof sparsifiedFrames> & { timesSeconds: number[] }) | undefined;
}

/**
 * Finds a clip's key frames; on request writes the pair's page and chooses a sparse sampling.
 *
 * @throws {ConfigError} for a page that cannot be written where it should be
 * @throws {VideoError} when the clip cannot be decoded
 */
export const findKeyFrames = async (job: KeyFramesJob, context: JobContext): Promise<FoundKeyFrames> => {
  const { page } = job;
  await using prepared = await preparePair(job.request, job.choices);
  if (page !== undefined) checkOutput(page, "file");
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const made = await pairOfFile(clips, job.file, prepared, context);
  if (page !== undefined) {
    makeFolder(dirname(page));
    writeFileAtomic(page, await renderPairPage(made, clips.video, context.signal));
  }
  if (job.sparsify === undefined) return { made, sparsified: undefined };
  const sparse = sparsifiedFrames(made, job.sparsify);
  const timesSeconds = sparse.indices.map((index): number => made.source.timeline[index]!.timeSeconds);
  return { made, sparsified: { ...sparse, timesSeconds } };
};
