import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { z } from "zod";
import { ConfigError, DataFormatError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";
import { type ColumnChoice, chooseColumns, tableParams, tableRow } from "../table-row.ts";

const params = z.strictObject({
  ...tableParams,
  delimiter: z
    .string()
    .min(1)
    .optional()
    .describe("between the columns; found by itself: tab in .tsv files, else comma or semicolon"),
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
  return ["\t", ";"].find((mark) => count(mark) > count(",")) ?? ",";
};

/** Rows of a file; quoted cells may hold delimiters and line breaks. */
async function* rowsOf(
  place: string,
  { delimiter, separator, ...named }: z.output<typeof params>,
): AsyncGenerator<SourceRow | UnreadRow> {
  if (!existsSync(place)) throw new ConfigError("no such training source", { where: place });
  const text = readTextFile(place);
  // An empty line in its place: lines are counted as they stand in the file.
  const parser = Readable.from([text.replace(excelLine, "")]).pipe(
    parse({
      info: true,
      delimiter: delimiter ?? delimiterOf(place, text),
      relax_column_count: true,
      skip_empty_lines: true,
    }),
  );
  let header: string[] | undefined;
  let columns: ColumnChoice = {};
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      if (header === undefined) {
        header = headerOf(record, place);
        columns = chooseColumns(header, named as ColumnChoice, place);
        continue;
      }
      const where = `${place}:${info.lines}`;
      const name = `${basename(place)}:${info.lines}`;
      if (record.length !== header.length)
        yield {
          unread: {
            where,
            reason: `a row of another length than the header; expected ${header.length} cells; got ${record.length}`,
          },
        };
      else {
        const fields = Object.fromEntries(header.map((key, at) => [key, record[at]!]));
        yield tableRow({ fields, where, name }, columns, separator);
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DataFormatError("not a CSV file", { where: place, got: error.message, cause: error });
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
