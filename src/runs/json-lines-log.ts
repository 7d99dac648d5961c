import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { DataFormatError, InternalError } from "../core/errors.ts";
import { parseJsonRow } from "../core/json-text.ts";
import { appendBytes } from "./append-bytes.ts";

/** The numbers that JSON cannot hold, as they stand in our files. */
const nonFinite: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** A row as one line of JSON; NaN and the infinities become the strings "NaN", "Infinity" and "-Infinity". */
export const rowToLine = (row: object): string =>
  `${JSON.stringify(row, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  )}\n`;

/** A number as {@link rowToLine} wrote it, or undefined when the value is none. */
export const numberFromRow = (value: unknown): number | undefined =>
  typeof value === "number" ? value : typeof value === "string" ? nonFinite[value] : undefined;

/** A row that knows its step. */
export interface StepRow {
  readonly step: number;
  readonly [field: string]: unknown;
}

/** The rows of a log, and where each one ends. */
export interface LogContent {
  readonly rows: readonly StepRow[];
  /** Byte offset behind each row's line feed. */
  readonly ends: readonly number[];
  /** Bytes of a last line that a killed process left without its line feed; no row is made of them. */
  readonly tornBytes: number;
}

const stepOf = (row: unknown, where: string): StepRow => {
  const step = (row as { step?: unknown } | null)?.step;
  if (typeof step !== "number" || !Number.isInteger(step) || step < 0)
    throw new DataFormatError("a row without a step", {
      where,
      expected: '"step": an integer >= 0',
      got: JSON.stringify(step) ?? "nothing",
    });
  return row as StepRow;
};

/**
 * Reads a log of rows with rising steps. A missing file is an empty log; a last line without line feed is left out
 * and counted.
 *
 * @throws {DataFormatError} naming file and line when a finished line is not a row
 */
export const readLog = (file: string): LogContent => {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const rows: StepRow[] = [];
  const ends: number[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
    const line = rows.length + 1;
    rows.push(stepOf(parseJsonRow(bytes.toString("utf8", start, end), file, line), `${file}:${line}`));
    start = end + 1;
    ends.push(start);
  }
  return { rows, ends, tornBytes: bytes.length - start };
};

/** Cuts a log behind its last row of at most `step`, a torn last line included; gives the last row kept. */
export const truncateLog = (file: string, step: number): StepRow | undefined => {
  if (!existsSync(file)) return undefined;
  const { rows, ends } = readLog(file);
  let kept = rows.findIndex((row) => row.step > step);
  if (kept < 0) kept = rows.length;
  const handle = openSync(file, "r+");
  try {
    ftruncateSync(handle, kept === 0 ? 0 : ends[kept - 1]!);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return rows[kept - 1];
};

/** An append-only log; every row is in the file when `append` returns. Owns its file handle until closed. */
export class JsonLinesLog {
  #handle: number;
  #file: string;
  #lastStep: number;
  constructor(file: string, lastStep: number) {
    this.#file = file;
    this.#lastStep = lastStep;
    this.#handle = openSync(file, "a");
  }
  /**
   * Appends one row.
   *
   * @throws {InternalError} when the step goes back: rising steps are what lets a resumed run cut the log
   * @throws {RunError} when the disk does not take it
   */
  append<Row extends { readonly step: number }>(row: Row): void {
    if (!Number.isInteger(row.step) || row.step < this.#lastStep)
      throw new InternalError(`${this.#file}: step ${row.step} after step ${this.#lastStep}`);
    appendBytes(this.#handle, Buffer.from(rowToLine(row)), this.#file);
    this.#lastStep = row.step;
  }
  /** Returns when the rows are on the disk. */
  sync(): void {
    fsyncSync(this.#handle);
  }
  /** Gives the file handle back. */
  close(): void {
    closeSync(this.#handle);
  }
}
