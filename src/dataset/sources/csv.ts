import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { z } from "zod";
import { ConfigError, DataFormatError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { csvRecords } from "../csv-records.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";
import { type ColumnChoice, chooseColumns, tableParams, tableRow } from "../table-row.ts";

const params = z.strictObject({
  ...tableParams,
  delimiter: z
    .string()
    .min(1)
    .optional()
    .describe("between the columns; found by itself: tab in .tsv files, else comma, tab, semicolon or |"),
});

/** Column names as they stand in the first line. @throws {DataFormatError} for one that stands there twice */
const headerOf = (names: readonly string[], where: string): string[] => {
  const trimmed = names.map((name) => name.trim());
  const twice = trimmed.find((name, at) => name !== "" && trimmed.indexOf(name) !== at);
  if (twice === undefined) return trimmed.map((name, at) => name || `column ${at + 1}`);
  throw new DataFormatError("a column stands twice in the header", { where, got: JSON.stringify(twice) });
};

/** The first line by which Excel says what stands between the columns. */
const excelLine = /^sep=(.)(?=\r?\n)/;

const delimiterOf = (place: string, text: string): string => {
  const [, said] = excelLine.exec(text) ?? [];
  if (said !== undefined) return said;
  if (/\.(tsv|tab)$/i.test(place)) return "\t";
  const [header = ""] = text.split(/\r?\n/, 1);
  const count = (mark: string): number => header.split(mark).length;
  return ["\t", ";", "|"].find((mark) => count(mark) > count(",")) ?? ",";
};

/** Rows of a file; quoted cells may hold delimiters and line breaks. */
async function* rowsOf(
  place: string,
  { delimiter, separator, ...named }: z.output<typeof params>,
): AsyncGenerator<SourceRow | UnreadRow> {
  if (!existsSync(place)) throw new ConfigError("no such training source", { where: place });
  const text = readTextFile(place);
  let header: string[] | undefined;
  let columns: ColumnChoice = {};
  // An empty line in place of Excel's: lines are counted as they stand in the file.
  const records = csvRecords(text.replace(excelLine, ""), delimiter ?? delimiterOf(place, text), place);
  for (const { line, cells } of records) {
    const where = `${place}:${line}`;
    if ("unread" in cells) {
      if (header === undefined) throw new DataFormatError("not a CSV file", { where, got: cells.unread });
      yield { unread: { where, reason: cells.unread } };
    } else if (header === undefined) {
      header = headerOf(cells, place);
      columns = chooseColumns(header, named as ColumnChoice, place);
    } else if (cells.length !== header.length) {
      const got = `expected ${header.length} cells; got ${cells.length}`;
      yield { unread: { where, reason: `a row of another length than the header; ${got}` } };
    } else {
      const fields = Object.fromEntries(header.map((key, at) => [key, cells[at]!]));
      yield tableRow({ fields, where, name: `${basename(place)}:${line}` }, columns, separator);
    }
  }
  if (header === undefined)
    throw new DataFormatError("a table without rows", { where: place, expected: "a header and rows" });
}

/** A table with a header: one question, or one described clip, a row. */
const source: SourceDefinition = defineSource({
  summary: "a CSV or TSV file with a header: a clip and its caption or question a row",
  source: "ours; cells are read as RFC 4180 says",
  params,
  general: true,
  recognises: ({ place, isFolder }) => !isFolder && /\.(csv|tsv|tab)$/i.test(place),
  create: (checked) => ({
    folder: (place) => dirname(resolve(place)),
    rows: (place) => rowsOf(place, checked),
  }),
});

export default source;
