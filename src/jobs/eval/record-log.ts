import { closeSync, existsSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { LineFile } from "../../dataset/write.ts";
import { type EvaluationRecord, readRecords, writeRecord } from "../../evaluation/records.ts";
import { appendBytes } from "../../runs/append-bytes.ts";

const LINE_FEED = 10;

/** Cuts a last line that a killed process left without its end. */
const cutTornLine = (file: string): void => {
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(LINE_FEED) + 1;
  if (end === bytes.length) return;
  const handle = openSync(file, "r+");
  ftruncateSync(handle, end);
  closeSync(handle);
};

/**
 * Records as they are made: each is the system's when `add` returns, so whatever ends the process, nothing that was
 * answered is asked again.
 */
export class RecordLog {
  readonly #file: string;
  #handle: number | undefined;
  constructor(file: string) {
    this.#file = file;
  }
  /** What an earlier call left; a torn last line is cut off. @throws {DataFormatError} naming the line of what is no record */
  async before(): Promise<EvaluationRecord[]> {
    if (!existsSync(this.#file)) return [];
    cutTornLine(this.#file);
    const records: EvaluationRecord[] = [];
    for await (const record of readRecords(this.#file)) records.push(record);
    return records;
  }
  /** Appends one. */
  add(record: EvaluationRecord): void {
    this.#handle ??= openSync(this.#file, "a");
    appendBytes(this.#handle, Buffer.from(`${writeRecord(record)}\n`), this.#file);
  }
  /** Writes all records again in their order, each once. */
  finish(records: readonly EvaluationRecord[]): void {
    this.close();
    const file = new LineFile(this.#file);
    for (const record of records) file.add(writeRecord(record));
    file.close();
  }
  /** Gives the file handle back. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}
