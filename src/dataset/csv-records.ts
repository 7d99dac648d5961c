import { CsvError, type Options } from "csv-parse";
import { parse } from "csv-parse/sync";
import { DataFormatError } from "../core/errors.ts";

/** A row as it stands in a file. */
export interface CsvRecord {
  /** Line in which it begins, from 1. */
  readonly line: number;
  /** Its cells, or why it has none. */
  readonly cells: readonly string[] | { readonly unread: string };
}

interface RawRecord {
  readonly record: readonly string[];
  readonly raw: string;
  readonly info: { readonly lines: number };
}

const readAs = (text: string, options: Options): { records: RawRecord[]; faults: string[] } => {
  const faults: string[] = [];
  const records = parse(text, {
    ...options,
    info: true,
    raw: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error instanceof CsvError) faults.push(error.code);
    },
  }) as unknown as RawRecord[];
  return { records, faults };
};

const breaksIn = (record: readonly string[]): number =>
  record.reduce((sum, cell) => sum + cell.split("\n").length - 1, 0);

/**
 * The rows of a table in order. Quoted cells may hold delimiters and line breaks (`\n`, however the file writes them). Where
 * quotes are not those of RFC 4180: in a file of tabs no quote means anything; else one inside a cell that is not quoted is
 * itself, and a row with a quoted cell that goes on behind its quote is unread.
 *
 * @throws {DataFormatError} for a quote that is never closed
 */
export const csvRecords = (written: string, delimiter: string, where: string): CsvRecord[] => {
  const text = written.replace(/\r\n?/g, "\n");
  // The reader tells the line in which a row ends.
  const placed = ({ record, info }: RawRecord): CsvRecord => ({
    line: info.lines - breaksIn(record),
    cells: record,
  });
  const strict = readAs(text, { delimiter });
  if (strict.faults.length === 0) return strict.records.map(placed);
  if (delimiter === "\t") return readAs(text, { delimiter, quote: false }).records.map(placed);
  const { records, faults } = readAs(text, { delimiter, relax_quotes: true });
  if (faults.length > 0)
    throw new DataFormatError("not a CSV file", {
      where: `${where}:${1 + (records.at(-1)?.info.lines ?? 0)}`,
      expected: "a second quote behind every quote that begins a cell",
      got: "a quote that is never closed, in this line or below it",
    });
  return records.map((row) => {
    const isBroken =
      row.raw.includes('"') && readAs(row.raw, { delimiter }).faults.includes("CSV_INVALID_CLOSING_QUOTE");
    if (!isBroken) return placed(row);
    const unread = 'a cell goes on behind its closing quote; expected quotes inside of cells as ""';
    return { ...placed(row), cells: { unread } };
  });
};
