import { basename } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { readJsonFile, readTextFile } from "../core/files.ts";
import { parseJsonRow } from "../core/json-text.ts";
import { isClipName } from "./clip-files.ts";
import type { UnreadRow } from "./sources.ts";

/** A value of a JSON or JSON-lines file and where it stands. */
export interface JsonRecord {
  readonly value: unknown;
  /** `file:line`, or `file, entry N`. */
  readonly where: string;
  /** The same without folders. */
  readonly name: string;
  /** The key of an entry of an object. */
  readonly key?: string;
}

/** True for an object with fields. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether the first characters of a file are those of a JSON list or object, or of JSON lines. */
export const looksLikeJson = (head: string): boolean => /^\uFEFF?\s*[[{]/.test(head);

function* linesOf(place: string): Generator<JsonRecord | UnreadRow> {
  const lines = readTextFile(place).split(/\r\n|\n|\r/);
  for (const [at, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const [where, name] = [`${place}:${at + 1}`, `${basename(place)}:${at + 1}`];
    try {
      yield { value: parseJsonRow(line, place, at + 1), where, name };
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where, reason: error.message } };
    }
  }
}

/** The only list of objects of an object that says other things beside it, as `{ "info": ..., "data": [...] }` does. */
const onlyList = (value: Readonly<Record<string, unknown>>): readonly unknown[] | undefined => {
  const lists = Object.entries(value).filter(
    ([key, one]) => Array.isArray(one) && one.length > 0 && one.every(isRecord) && !isClipName(key),
  );
  return lists.length === 1 ? (lists[0]![1] as readonly unknown[]) : undefined;
};

/**
 * The records of a file: the lines of JSON lines, the entries of a list (also of the only one in an object), or, with their
 * keys, of an object.
 *
 * @throws {DataFormatError} for a file that is no JSON at all
 */
export function* jsonRecords(place: string): Generator<JsonRecord | UnreadRow> {
  if (/\.(jsonl|ndjson)$/i.test(place)) {
    yield* linesOf(place);
    return;
  }
  const whole = readJsonFile(place);
  const value = isRecord(whole) ? (onlyList(whole) ?? whole) : whole;
  const entry = (at: number): Pick<JsonRecord, "where" | "name"> => ({
    where: `${place}, entry ${at + 1}`,
    name: `${basename(place)}#${at + 1}`,
  });
  if (Array.isArray(value)) for (const [at, one] of value.entries()) yield { value: one, ...entry(at) };
  else if (isRecord(value))
    for (const [at, [key, one]] of Object.entries(value).entries()) yield { value: one, key, ...entry(at) };
  else throw new DataFormatError("no list of rows", { where: place, expected: "a JSON list or object" });
}

/**
 * A row for every record; one that `read` refuses is told with its place.
 *
 * @param read gives rows, or throws a `DataFormatError` for a record that cannot be used
 */
export function* rowsOfRecords<T>(
  place: string,
  read: (record: JsonRecord) => T | readonly T[],
): Generator<T | UnreadRow> {
  for (const record of jsonRecords(place)) {
    if ("unread" in record) {
      yield record;
      continue;
    }
    let rows: T | readonly T[];
    try {
      rows = read(record);
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where: record.where, reason: error.message } };
      continue;
    }
    yield* Array.isArray(rows) ? (rows as readonly T[]) : [rows as T];
  }
}
