import { ConfigError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { checkOutput } from "../core/output-place.ts";
import type { Progress } from "../core/progress.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import { streamFrames } from "../frames/read-frames.ts";
import type { FrameRequest } from "../video/request.ts";
import { resolveRequest } from "../video/resolve-request.ts";
import type { DecoderIdentity } from "../video/types.ts";
import { type Clips, type ClipsOptions, openClips } from "./clips.ts";
import { FramesFolder, type ListedFrame } from "./frames-folder.ts";
import type { JobContext } from "./job-context.ts";

/** Which frames of which clip, and where their pictures go. */
export interface ListFramesJob {
  readonly file: string;
  readonly request: FrameRequest;
  readonly clips: ClipsOptions;
  /** Folder of the pictures; none when left out. */
  readonly out?: string;
  /** Go on with the pictures of a stopped call of the same request. */
  readonly resume: boolean;
}

/** The list, as `frames.json` has it. */
export interface FrameList {
  readonly file: string;
  readonly sha256: string;
  readonly decoder: DecoderIdentity;
  /** What is wrong with the clip; left out when nothing is. */
  readonly faults?: readonly string[];
  readonly frames: readonly ListedFrame[];
}

/** Decodes, hashes and, with a folder, writes the frames of a request. */
const addFrames = async (
  { video }: Clips,
  file: string,
  request: FrameRequest,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Progress },
  listed: Map<number, ListedFrame>,
  folder: FramesFolder | undefined,
  total: number,
): Promise<void> => {
  for await (const batch of streamFrames(video, file, request, signal)) {
    const { width, height } = batch;
    for (const [i, { index, timeSeconds }] of batch.frames.entries()) {
      signal.throwIfAborted();
      const pixels = pixelsOf(batch, i);
      const repeated = batch.repeated?.includes(index) === true;
      const frame = { index, timeSeconds, width, height, rgbSha256: sha256(pixels) };
      const described = repeated ? { ...frame, repeated } : frame;
      listed.set(index, folder === undefined ? described : await folder.add(described, pixels));
    }
    progress.update(listed.size, total);
  }
};

/**
 * Lists the frames of a clip; on request writes a picture of each, and `frames.json` last.
 *
 * @throws {ConfigError} for a request without frames, or a folder that cannot be written or gone on with
 * @throws {VideoError} when the clip cannot be decoded
 */
export const listFrames = async (job: ListFramesJob, context: JobContext): Promise<FrameList> => {
  const { file, request, out, resume } = job;
  const { signal } = context;
  if (resume && out === undefined)
    throw new ConfigError("nothing to go on with", { expected: "--resume together with --out" });
  if (out !== undefined) checkOutput(out, "folder");
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const { timeline, durationSeconds, decoder, faults } = await clips.video.probe(file, signal);
  for (const fault of faults) context.warn(fault);
  const digest = await clips.sha256(file);
  const wanted = [...resolveRequest(request, timeline, durationSeconds)];
  if (wanted.length === 0)
    throw new ConfigError("no frame is both asked for and in the range", {
      expected: "--at within --from and --to",
    });
  const { size, resizer } = request;
  const form = { ...(size && { size }), ...(resizer && { resizer }) };
  const of = { sha256: digest, decoder, ...form };
  const folder = out === undefined ? undefined : new FramesFolder(out, of, resume);
  const listed = new Map<number, ListedFrame>(folder?.found(wanted));
  const missing = wanted.filter((index) => !listed.has(index));
  const rest: FrameRequest =
    missing.length === wanted.length ? request : { ...form, select: { kind: "indices", indices: missing } };
  const progress = context.progress("frames", "frames");
  try {
    if (missing.length > 0)
      await addFrames(clips, file, rest, { signal, progress }, listed, folder, wanted.length);
  } finally {
    folder?.close();
  }
  const list: FrameList = {
    file,
    sha256: digest,
    decoder,
    ...(faults.length > 0 && { faults }),
    frames: wanted.flatMap((index) => listed.get(index) ?? []),
  };
  folder?.finish(list);
  return list;
};
