import type { MadePair } from "../absent/make-pair.ts";
import { checkPairPlace } from "../absent/pair-place.ts";
import { drawPairSheet } from "../absent/pair-sheet.ts";
import { sparsifiedFrames } from "../absent/sparsified-frames.ts";
import { sparsifiedRecord } from "../absent/sparsify.ts";
import { type WrittenPair, writePair } from "../absent/write-pair.ts";
import { checkOutput } from "../core/output-place.ts";
import { localFile } from "../video/local-file.ts";
import { type ClipsOptions, openClips } from "./clips.ts";
import type { JobContext } from "./job-context.ts";
import { type OpenChoices, type PairRequest, pairOfFile, preparePair } from "./make-pair.ts";

/** A pair and where it goes. */
export interface WritePairJob {
  readonly file: string;
  readonly request: PairRequest;
  /** What the request chooses, where it was opened for many clips. */
  readonly choices?: OpenChoices;
  readonly clips: ClipsOptions;
  /** Folder of the pair. */
  readonly out: string;
  /** Leave the clips out: the twin is read through the replacements. */
  readonly virtual: boolean;
  /** Overwrite another pair. */
  readonly force: boolean;
  /** Also choose frames of which about this share lies in the events, or around the key frames. */
  readonly sparsify?: number;
}

/** What was made and written. */
export interface WrittenPairJob {
  readonly made: MadePair;
  readonly written: WrittenPair;
  /** Replaced frames of the written pair as a share of the clip's frames. */
  readonly replacedShare: number;
}

/** The pair with the frames that are to be looked at. @throws {ConfigError} where nothing of it is decisive */
const chosenFrames = (made: MadePair, share: number | undefined): MadePair => {
  if (share === undefined) return made;
  const sparse = sparsifiedFrames(made, share);
  const sparsified = sparsifiedRecord(sparse, share);
  return { ...made, pair: { ...made.pair, frames: sparse.indices, sparsified } };
};

/**
 * Makes a clip's pair and writes its folder.
 *
 * @throws {ConfigError} for a place that cannot be written, or that holds another pair
 * @throws {VideoError} when the clip cannot be decoded or written
 */
export const writePairOfFile = async (job: WritePairJob, context: JobContext): Promise<WrittenPairJob> => {
  const { out } = job;
  const file = localFile(job.file);
  const { signal } = context;
  await using prepared = await preparePair(job.request, job.choices);
  checkOutput(out, "folder");
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const info = await clips.video.probe(file, signal);
  const sha256 = await clips.sha256(file);
  if (!job.force) checkPairPlace(out, sha256);
  const made = chosenFrames(await pairOfFile(clips, file, prepared, context), job.sparsify);
  if (!job.force) checkPairPlace(out, sha256, made.pair);
  const written = await writePair({
    video: clips.direct,
    file,
    info,
    pair: made.pair,
    view: made.view,
    folder: out,
    virtual: job.virtual,
    sheet: (output, pair, view) =>
      drawPairSheet({ video: clips.video, file, info, pair, view, output, signal }),
    signal,
  });
  return {
    made,
    written,
    replacedShare: written.pair.replacements.length / info.timeline.length,
  };
};
