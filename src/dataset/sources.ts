import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { ClipReference, RejectedSide, Sample } from "./sample.ts";

/** A short thing that happens, in frames of the clip (0-based, half open); its times come from the clip's own frames. */
export interface FrameSpan {
  readonly startFrame: number;
  readonly endFrame: number;
  readonly what: string;
}

/** A clip by its name, with what is known of it already. */
export type SourceClip = Pick<ClipReference, "file"> & Partial<Omit<ClipReference, "file">>;

/**
 * A row of a training source: a question about a clip, or a clip that is only described. Its clip is named by a path,
 * or by a name that a file of the source's folder has; what else a sample says of its clip (content, times of its
 * frames) is read from the file, unless the source knows it already.
 */
export interface SourceRow
  extends Omit<Sample, "clip" | "messages" | "answer" | "answerKind" | "rejected">,
    Partial<Pick<Sample, "messages" | "answer" | "answerKind">> {
  readonly clip: SourceClip;
  /** What is worse than the answer about the clip. */
  readonly rejected?: Omit<RejectedSide, "clip"> & { readonly clip?: SourceClip };
  /** What happens in the clip. */
  readonly caption?: string;
  /** Events of annotations that count frames. */
  readonly frameEvents?: readonly FrameSpan[];
}

/** A row that cannot be used: where it stands (`file:line`) and why. */
export interface UnreadRow {
  readonly unread: { readonly where: string; readonly reason: string };
}

/** Tells what a source gives apart. */
export const isUnread = (row: SourceRow | UnreadRow): row is UnreadRow => "unread" in row;

/** Where rows come from. */
export interface TrainingSource {
  /** The folder that paths of clips are relative to. */
  folder(place: string): string;
  /**
   * Every row of a file or folder, in order, one in memory at a time; a row that cannot be used is told in its place.
   *
   * @throws {DataFormatError} for a file of which no row can be used
   */
  rows(place: string): AsyncIterable<SourceRow | UnreadRow>;
}

/** What tells a source by its look: a path, and the first characters of a file (empty for a folder). */
export interface SourceLook {
  readonly place: string;
  readonly isFolder: boolean;
  readonly head: string;
}

/** A source's file: `sources/<name>.ts`. */
export interface SourceDefinition extends Plugin<TrainingSource> {
  /** Whether a file or folder looks like this source's; left out: it has to be named. */
  readonly recognises?: (look: SourceLook) => boolean;
  /** Of several that recognise a place, one that is not general is meant. */
  readonly general?: boolean;
}

/** Declares a source. */
export const defineSource: Define<SourceDefinition> = definer("training source");

/** Every training source, by file name. */
export const trainingSources: Registry<SourceDefinition> = folderRegistry(
  "training source",
  new URL("./sources/", import.meta.url),
);
