import { resolve } from "node:path";
import { DataFormatError, VideoPerceiverError } from "../core/errors.ts";
import type { ClipReference, Sample } from "../dataset/sample.ts";
import { type Rejection, sampleFromRow, storeTimeline } from "../dataset/schema.ts";
import { isUnread, type SourceClip, trainingSources } from "../dataset/sources.ts";
import { ContentHash } from "../frames/content-hash.ts";
import { openVideoService, type VideoService } from "../video/service.ts";
import type { JobContext } from "./job-context.ts";

/** What of a clip its file says. */
const readClip = async (
  video: VideoService,
  hashes: ContentHash,
  folder: string,
  file: string,
  signal: AbortSignal,
): Promise<ClipReference> => {
  const path = resolve(folder, file);
  const { timeline, durationSeconds } = await video.probe(path, signal);
  return { file, sha256: await hashes.of(path), timeline, durationSeconds };
};

/**
 * The samples of a training source in order; each clip is read once. A row that is none, and the rows of a clip that cannot
 * be read, are told to `onRejected` and left out.
 *
 * @param text the source as `NAME` or `NAME:key=value,...`
 * @param place file or folder that the source reads
 * @throws {UnknownNameError} for an unknown source
 * @throws {DataFormatError} for a file of which no row can be used
 */
export async function* readSource(
  text: string,
  place: string,
  context: Pick<JobContext, "signal">,
  onRejected: (rejection: Rejection) => void,
): AsyncGenerator<Sample> {
  const { value: source, recipe } = await trainingSources.choose(text);
  const folder = source.folder(place);
  const hashes = new ContentHash();
  const known = new Map<string, Promise<ClipReference>>();
  await using video = openVideoService();
  const clipOf = async (clip: SourceClip): Promise<ClipReference> => {
    const { file, sha256, timeline } = clip;
    if (sha256 !== undefined && timeline !== undefined) return { ...clip, sha256, timeline };
    const found = known.get(file) ?? readClip(video, hashes, folder, file, context.signal);
    known.set(file, found);
    return await found;
  };
  const stored = async (clip: SourceClip): Promise<object> => {
    const reference = await clipOf(clip);
    return { ...reference, timeline: storeTimeline(reference.timeline) };
  };
  for await (const row of source.rows(place)) {
    if (isUnread(row)) {
      const { where, reason } = row.unread;
      onRejected({ source: where, ruleId: recipe.name, reason });
      continue;
    }
    try {
      if (row.messages === undefined)
        throw new DataFormatError("a row without a question", {
          hint: "videoperceiver build makes questions of captions",
        });
      const { caption: _, frameEvents: __, rejected, ...rest } = row;
      const worse = rejected && { ...rejected, ...(rejected.clip && { clip: await stored(rejected.clip) }) };
      yield sampleFromRow(
        { ...rest, clip: await stored(row.clip), ...(worse && { rejected: worse }) },
        row.id,
      );
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      onRejected({ source: row.id, ruleId: recipe.name, reason: error.message });
    }
  }
}
