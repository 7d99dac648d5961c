import { DataFormatError } from "./errors.ts";
import { readTextFile } from "./files.ts";

/** One row of a CSV file: its fields by the names of the first row. */
export interface CsvRow {
  readonly fields: Readonly<Record<string, string>>;
  /** `file:line` of where it begins, from 1. */
  readonly where: string;
}

/**
 * The records of a text of comma-separated values: fields in double quotes may hold commas, quotes (doubled) and line
 * ends. Lines end at `\n`, `\r\n` or `\r`; empty lines are left out.
 *
 * @throws {DataFormatError} naming file and line of a quote that never closes
 */
export const parseCsv = (
  text: string,
  file: string,
): { readonly values: string[]; readonly line: number }[] => {
  const rows: { values: string[]; line: number }[] = [];
  let values: string[] = [];
  let [line, begun] = [1, 1];
  let at = 0;
  while (at < text.length) {
    let value = "";
    if (text[at] === '"') {
      const opened = line;
      for (at++; ; at++) {
        if (at >= text.length)
          throw new DataFormatError("a quoted field never ends", { where: `${file}:${opened}` });
        if (text[at] === '"' && text[++at] !== '"') break;
        if (text[at] === "\n") line++;
        value += text[at];
      }
    }
    const rest = /[^,\r\n]*/y;
    rest.lastIndex = at;
    value += rest.exec(text)![0];
    at = rest.lastIndex;
    values.push(value);
    if (text[at] === ",") {
      at++;
      if (at < text.length) continue;
      values.push("");
    }
    if (values.length > 1 || values[0] !== "") rows.push({ values, line: begun });
    values = [];
    at += text.startsWith("\r\n", at) ? 2 : 1;
    begun = ++line;
  }
  return rows;
};

/**
 * The rows of a CSV file with a header.
 *
 * @throws {DataFormatError} naming the file: a column that is missing, a row with more or fewer fields than the header
 */
export const readCsvRows = (file: string, columns: readonly string[]): CsvRow[] => {
  const [header, ...rows] = parseCsv(readTextFile(file), file);
  const missing = columns.find((column) => header?.values.includes(column) !== true);
  if (header === undefined || missing !== undefined)
    throw new DataFormatError("a column is missing", {
      where: file,
      expected: columns.join(","),
      got: header?.values.join(",") ?? "an empty file",
    });
  return rows.map(({ values, line }) => {
    const where = `${file}:${line}`;
    if (values.length !== header.values.length)
      throw new DataFormatError("a row of another length than the header", {
        where,
        expected: `${header.values.length} fields`,
        got: String(values.length),
      });
    return { where, fields: Object.fromEntries(header.values.map((name, i) => [name, values[i]!])) };
  });
};
