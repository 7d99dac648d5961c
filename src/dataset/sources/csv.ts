import { createReadStream, existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { z } from "zod";
import { ConfigError, DataFormatError } from "../../core/errors.ts";
import { answerKinds } from "../../grading/grade-answer.ts";
import { defineSource, type SourceDefinition, type SourceRow } from "../sources.ts";

const params = z.strictObject({
  delimiter: z.string().min(1).default(",").describe("between the columns"),
  separator: z
    .string()
    .min(1)
    .default("|")
    .describe("between the options, and between the keywords, of a cell"),
});

/** Columns that mean something; others go into the provenance. */
const columns = z.object({
  clip: z.string().min(1),
  question: z.string().min(1),
  answer: z.string().min(1),
  id: z.string().optional(),
  options: z.string().optional(),
  kind: z.union([z.enum(answerKinds), z.literal("")]).optional(),
  skill: z.string().optional(),
  split: z.string().optional(),
  caption: z.string().optional(),
  keywords: z.string().optional(),
});

const explained = (error: z.ZodError): string => {
  const { path, message } = error.issues[0]!;
  return `${path.join(".")}: ${message}`;
};

/** Column names as they stand in the first line. @throws {DataFormatError} for one that stands there twice */
const headerOf = (names: readonly string[], where: string): string[] => {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return [...names];
  throw new DataFormatError("a column stands twice in the header", { where, got: JSON.stringify(twice) });
};

const rowOf = (
  cells: Record<string, string>,
  { place, line, separator }: { readonly place: string; readonly line: number; readonly separator: string },
): SourceRow => {
  const where = `${place}:${line}`;
  const parsed = columns.safeParse(cells);
  if (!parsed.success)
    throw new DataFormatError("not a row of a training source", {
      where,
      expected: `columns clip, question, answer; optional ${Object.keys(columns.shape).slice(3).join(", ")}`,
      got: explained(parsed.error),
    });
  const { clip, question, answer, id, kind, skill, split, caption, ...lists } = parsed.data;
  const parts = (cell: string | undefined): string[] =>
    (cell ?? "").split(separator).flatMap((part) => part.trim() || []);
  const options = parts(lists.options);
  const keywords = parts(lists.keywords);
  if (options.length === 1)
    throw new DataFormatError("not a row of a training source", {
      where,
      expected: `two options or more, separated by "${separator}"`,
      got: JSON.stringify(lists.options),
    });
  const known = Object.keys(columns.shape);
  const others = Object.fromEntries(
    Object.entries(cells).filter(([name, cell]) => !known.includes(name) && cell),
  );
  return {
    id: id || `${basename(place)}:${line}`,
    clip: { file: clip },
    messages: [
      {
        role: "user",
        content: [
          { type: "video", video: clip },
          { type: "text", text: question },
        ],
      },
    ],
    answer,
    answerKind: kind || (options.length > 0 ? "choice" : "open"),
    ...(options.length > 0 && { options }),
    ...(keywords.length > 0 && { keywords }),
    ...(skill && { skill }),
    ...(split && { split }),
    provenance: { source: `${basename(place)}:${line}`, ...(caption && { caption }), ...others },
  };
};

/** Rows of a file; quoted cells may hold delimiters and line breaks. */
async function* rowsOf(
  place: string,
  { delimiter, separator }: z.output<typeof params>,
): AsyncGenerator<SourceRow> {
  if (!existsSync(place)) throw new ConfigError("no such training source", { where: place });
  const columns = (names: string[]): string[] => headerOf(names, place);
  const parser = parse({ columns, bom: true, info: true, delimiter, skip_empty_lines: true });
  // What goes wrong while reading reaches whoever iterates.
  pipeline(createReadStream(place), parser, () => {});
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number };
    }>)
      yield rowOf(record, { place, line: info.lines, separator });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DataFormatError("not a CSV file", { where: place, got: error.message, cause: error });
  }
}

/** A table with a header: one question a row. */
const source: SourceDefinition = defineSource({
  summary:
    "a CSV file: columns clip, question, answer; optional id, options, kind, skill, split, caption, keywords",
  source: "ours; cells are read as RFC 4180 says",
  params,
  create: (checked) => ({
    folder: (place) => dirname(resolve(place)),
    rows: (place) => rowsOf(place, checked),
  }),
});

export default source;
