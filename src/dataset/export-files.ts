import { join } from "node:path";
import { z } from "zod";
import type { ExportPlace } from "./export.ts";
import type { Sample } from "./sample.ts";

/** How rows name their films. */
export type PathForm = "absolute" | "relative";

/** The parameter that says how rows name their films. */
export const pathsParam = (
  usual: PathForm,
): z.ZodDefault<z.ZodEnum<{ absolute: "absolute"; relative: "relative" }>> =>
  z
    .enum(["absolute", "relative"])
    .default(usual)
    .describe("films by absolute path (works from any folder), or relative to this one (may be moved)");

/** A film's path as rows write it. */
export const shownPath = ({ finalFolder }: ExportPlace, file: string, form: PathForm): string =>
  form === "absolute" ? join(finalFolder, file) : file;

/** A file of an export that is written piece by piece. */
export interface SplitFile {
  readonly file: string;
  readonly rows: number;
  close(): void;
  discard(): void;
}

/** One file for each part of a data set, made when its first row comes. */
export class SplitFiles<File extends SplitFile> {
  readonly #make: (split: string) => File;
  readonly #files = new Map<string, File>();
  constructor(make: (split: string) => File) {
    this.#make = make;
  }
  of(split: string): File {
    const file = this.#files.get(split) ?? this.#make(split);
    this.#files.set(split, file);
    return file;
  }
  /** Parts that have a row, sorted, with their numbers of rows. */
  counts(): { readonly split: string; readonly rows: number }[] {
    return [...this.#files]
      .map(([split, { rows }]) => ({ split, rows }))
      .sort((a, b) => (a.split < b.split ? -1 : 1));
  }
  close(): void {
    for (const file of this.#files.values()) file.close();
  }
  discard(): void {
    for (const file of this.#files.values()) file.discard();
  }
}

/** Facts of a sample that ride along in a column of their own: what a reward or an analysis asks for. */
export const sideFacts = ({ id, answer, answerKind, options, skill }: Sample): Record<string, unknown> => ({
  sample_id: id,
  reference: answer,
  answer_kind: answerKind,
  options: options ?? [],
  skill: skill ?? "",
});
