import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { VideoService } from "../video/service.ts";
import type { Sample } from "./sample.ts";

/** What of a sample's clip the rows of a format need: the clip, the clip and its twin as files, or only pictures. */
export type ExportMediaNeed = "clip" | "twin" | "pictures";

/** A sample with its clips as files of the export, by paths relative to the export's folder. */
export interface ExportSample {
  readonly sample: Sample;
  /** `train` where the sample names no part. */
  readonly split: string;
  /** The clip; the data set's own file where the format needs pictures only. */
  readonly clip: string;
  /** The twin as a film; there when the format needs it and the sample has one. */
  readonly absent?: string;
}

/** Where an export is written, and what is at hand there. */
export interface ExportPlace {
  /** Folder that is being written; it gets its own name when all is there. */
  readonly folder: string;
  /** Absolute path that the folder will have. */
  readonly finalFolder: string;
  /** Name of the data set, for files that name one: letters, digits, `_`, `-`. */
  readonly name: string;
  readonly video: VideoService;
  readonly signal?: AbortSignal;
}

/** Takes the samples of an export one after the other. */
export interface ExportWriter {
  /** @returns the rows that were written; a sample of which nothing can be said in this format gives 0 and a reason */
  add(exported: ExportSample): Promise<{ readonly rows: number; readonly leftOut?: string }>;
  /** Writes what comes last and ends every file. */
  finish(): Promise<void>;
  /** Ends every file of an export that failed. */
  discard(): void;
}

/** A format of another project. */
export interface ExportFormat {
  readonly needs: ExportMediaNeed;
  /** True where a worse answer that a sample names itself is written; one about another film is written nowhere. */
  readonly carriesWorse?: boolean;
  /** False where the rows hold the films themselves, so that their files go at the end. */
  readonly keepsFilms?: boolean;
  /** Folders that the writer wants, inside the export's. */
  readonly folders?: readonly string[];
  /** Why a sample cannot travel in this format, in one sentence; asked before its clips are written. */
  refuses(sample: Sample): string | undefined;
  open(place: ExportPlace): ExportWriter;
  /** What stands before everything else in the folder's README.md. */
  readmeHead?(splits: readonly string[]): string;
  /** How the other project is told to use the folder, in Markdown. */
  readme(place: Pick<ExportPlace, "finalFolder" | "name">, splits: readonly string[]): string;
}

/** A format's file: `exports/<name>.ts`. */
export type ExportFormatPlugin = Plugin<ExportFormat>;

/** Declares a format. */
export const defineExportFormat: Define<ExportFormatPlugin> = definer("export format");

/** Every export format, by file name. */
export const exportFormats: Registry<ExportFormatPlugin> = folderRegistry<ExportFormatPlugin>(
  "export format",
  new URL("./exports/", import.meta.url),
);
