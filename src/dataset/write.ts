import { closeSync, openSync, readdirSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { atPlace, makeFolder, sha256, sha256OfFile, writeFileAtomic } from "../core/files.ts";
import type { MadeBy } from "../core/registry.ts";
import type { Sample } from "./sample.ts";
import { type DatasetDescription, datasetSchemaName, type Rejection, rowOfSample } from "./schema.ts";

/** Bytes that are collected before they go to the file. */
const bufferBytes = 1 << 20;

/** Appends lines under a temporary name; the file appears whole when closed. */
export class LineFile {
  readonly file: string;
  /** Lines so far. */
  rows = 0;
  #temporary: string;
  #handle: number;
  #waiting: string[] = [];
  #size = 0;
  constructor(file: string) {
    this.file = file;
    this.#temporary = `${file}.${process.pid}.tmp`;
    this.#handle = openSync(this.#temporary, "w");
  }
  /** Adds one line; `text` without its line end. */
  add(text: string): void {
    this.#waiting.push(text, "\n");
    this.#size += text.length + 1;
    this.rows++;
    if (this.#size >= bufferBytes) this.#flush();
  }
  /** Adds the lines of another file, and takes that one away. */
  addFile(file: string): void {
    this.#flush();
    const piece = Buffer.alloc(bufferBytes);
    const from = openSync(file, "r");
    for (let length = readSync(from, piece); length > 0; length = readSync(from, piece))
      for (let at = 0; at < length; ) at += writeSync(this.#handle, piece, at, length - at);
    closeSync(from);
    rmSync(file);
  }
  /** Gives the file its name. */
  close(): void {
    this.#flush();
    closeSync(this.#handle);
    renameSync(this.#temporary, this.file);
  }
  /** Forgets everything. */
  discard(): void {
    closeSync(this.#handle);
    rmSync(this.#temporary, { force: true });
  }
  #flush(): void {
    const bytes = Buffer.from(this.#waiting.join(""));
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#handle, bytes, at);
    } catch (error) {
      throw atPlace(error, this.file);
    }
    this.#waiting = [];
    this.#size = 0;
  }
}

/** How a {@link DatasetWriter} works. */
export interface DatasetWriterOptions {
  readonly folder: string;
  readonly recipe: MadeBy;
  /** Rows of one `samples-*.jsonl`; default 20,000. */
  readonly rowsPerFile?: number;
}

/**
 * Writes the rows of a data set folder; the clips are there already. `dataset.json` appears last, by {@link finish}:
 * a folder without it is unfinished. Rows come in a fixed order, so equal rows give equal files.
 */
export class DatasetWriter {
  #options: DatasetWriterOptions;
  #current: LineFile | undefined;
  #files: string[] = [];
  #rows: number[] = [];
  #skills = new Map<string, number>();
  #clips = new Set<string>();
  #samples = 0;
  #rejected: Rejection[] = [];
  constructor(options: DatasetWriterOptions) {
    this.#options = options;
    makeFolder(join(options.folder, "clips"));
  }
  add(sample: Sample): void {
    this.addRow(rowOfSample(sample), sample.clip.sha256, sample.skill);
  }
  /** Adds a row that {@link rowOfSample} made elsewhere (in a worker). */
  addRow(row: string, clipSha256: string, skill: string | undefined): void {
    if (this.#current === undefined) {
      const name = `samples-${String(this.#files.length).padStart(5, "0")}.jsonl`;
      this.#files.push(name);
      this.#current = new LineFile(join(this.#options.folder, name));
    }
    this.#current.add(row);
    this.#clips.add(clipSha256);
    this.#samples++;
    const key = skill ?? "none";
    this.#skills.set(key, (this.#skills.get(key) ?? 0) + 1);
    if (this.#current.rows >= (this.#options.rowsPerFile ?? 20_000)) this.#closeFile();
  }
  /** Records something that did not become a sample. */
  reject(rejection: Rejection): void {
    this.#rejected.push(rejection);
  }
  /**
   * Writes `rejected.jsonl`, `card.md` and, last, `dataset.json`. `extra` names further files of the folder, already
   * written, that belong to the content.
   */
  async finish(
    card: (description: DatasetDescription) => string,
    extra: readonly { readonly file: string; readonly rows: number }[] = [],
  ): Promise<DatasetDescription> {
    const { folder, recipe } = this.#options;
    this.#closeFile();
    // Files of an earlier, longer attempt would otherwise be taken for part of this one.
    for (const name of readdirSync(folder))
      if (/^samples-.*\.(jsonl|tmp)$/.test(name) && !this.#files.includes(name)) rmSync(join(folder, name));
    writeFileAtomic(
      join(folder, "rejected.jsonl"),
      this.#rejected.map((rejection) => `${JSON.stringify(rejection)}\n`).join(""),
    );
    const files: DatasetDescription["files"][number][] = [];
    const own = this.#files.map((file, i) => ({ file, rows: this.#rows[i]! }));
    for (const { file, rows } of [...own, ...extra])
      files.push({ file, sha256: await sha256OfFile(join(folder, file)), rows });
    const description: DatasetDescription = {
      schema: datasetSchemaName,
      counts: { samples: this.#samples, clips: this.#clips.size, rejected: this.#rejected.length },
      skills: Object.fromEntries([...this.#skills].sort(([a], [b]) => (a < b ? -1 : 1))),
      recipe,
      files,
      contentHash: contentHashOf(files),
    };
    writeFileAtomic(join(folder, "card.md"), card(description));
    writeFileAtomic(join(folder, "dataset.json"), `${JSON.stringify(description, null, 2)}\n`);
    return description;
  }
  #closeFile(): void {
    if (this.#current === undefined) return;
    this.#rows.push(this.#current.rows);
    this.#current.close();
    this.#current = undefined;
  }
}

/** The hash that names a data set's content: its files by name and content. */
export const contentHashOf = (files: DatasetDescription["files"]): string =>
  sha256(files.map(({ file, sha256: hash, rows }) => `${file} ${hash} ${rows}\n`).join(""));
