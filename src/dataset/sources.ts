import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { ClipReference, Sample } from "./sample.ts";

/**
 * A row of a training source. Its clip is named by a path, relative to the folder that the source is in; what else a
 * sample says of its clip (content, times of its frames) is read from the file, unless the source knows it already.
 */
export interface SourceRow extends Omit<Sample, "clip"> {
  readonly clip: Pick<ClipReference, "file"> & Partial<Omit<ClipReference, "file">>;
}

/** Where rows come from. */
export interface TrainingSource {
  /** The folder that paths of clips are relative to. */
  folder(place: string): string;
  /** Every row of a file or folder, in order, one in memory at a time. @throws {DataFormatError} naming `file:line` */
  rows(place: string): AsyncIterable<SourceRow>;
}

/** A source's file: `sources/<name>.ts`. */
export type SourceDefinition = Plugin<TrainingSource>;

/** Declares a source. */
export const defineSource: Define<SourceDefinition> = definer("training source");

/** Every training source, by file name. */
export const trainingSources: Registry<SourceDefinition> = folderRegistry(
  "training source",
  new URL("./sources/", import.meta.url),
);
