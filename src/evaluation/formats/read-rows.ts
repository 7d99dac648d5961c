import { parse } from "csv-parse/sync";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";

/** A row of another program in the plain form: an id or a position, the answer, and the reference beside it. */
export interface ForeignRow {
  readonly id: string;
  /** True when the id is only the row's number in the benchmark, from 0. */
  readonly isPosition: boolean;
  readonly answer: unknown;
  /** What the row says is right; null where it says nothing. */
  readonly reference: string | null;
  /** Why there is no answer, where the row says that nobody answered. */
  readonly failure?: string;
}

/** What VLMEvalKit writes in the place of an answer. */
const VLMEVALKIT_FAILED = "Failed to obtain answer via API.";

const names = ["id", "uid", "question_id", "questionId", "qid"] as const;

const nameIn = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  const found = names
    .map((name) => (value as Record<string, unknown>)[name])
    .find((one) => one !== undefined && one !== null && one !== "");
  return typeof found === "string" || typeof found === "number" ? String(found) : undefined;
};

/** The first text in lists of lists. */
const innermost = (value: unknown): unknown => (Array.isArray(value) ? innermost(value[0]) : value);

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" || typeof value === "number" ? String(value) : null;

/** A sample of lmms-eval (`doc_id`, `filtered_resps` or `resps`) or a row of VLMEvalKit (`index`, `prediction`); else undefined. */
export const foreignRow = (value: Readonly<Record<string, unknown>>): ForeignRow | undefined => {
  const { doc_id: docId, doc, filtered_resps: filtered, resps, target, index, prediction, answer } = value;
  const numbered = (
    position: unknown,
    holder: unknown,
  ): Pick<ForeignRow, "id" | "isPosition"> | undefined => {
    const name = nameIn(holder);
    if (name !== undefined) return { id: name, isPosition: false };
    const known = typeof position === "string" || typeof position === "number";
    return known ? { id: String(position), isPosition: true } : undefined;
  };
  if (docId !== undefined && (filtered !== undefined || resps !== undefined)) {
    const place = numbered(docId, doc);
    return place && { ...place, answer: innermost(filtered ?? resps), reference: textOrNull(target) };
  }
  if (index !== undefined && "prediction" in value) {
    const place = numbered(index, value);
    const failure =
      typeof prediction === "string" && prediction.includes(VLMEVALKIT_FAILED) ? prediction : undefined;
    return (
      place && {
        ...place,
        answer: prediction,
        reference: textOrNull(answer),
        ...(failure === undefined ? {} : { failure }),
      }
    );
  }
  return undefined;
};

const isCsv = (file: string): boolean => /\.csv$/i.test(file);

/** The rows of a table: VLMEvalKit's (tab-separated, quoted as pandas writes), or `.csv`. @throws {DataFormatError} naming the file */
export const readTable = (file: string): Record<string, unknown>[] => {
  try {
    return parse(readTextFile(file), {
      delimiter: isCsv(file) ? "," : "\t",
      columns: true,
      bom: true,
      relax_quotes: true,
      skip_empty_lines: true,
    });
  } catch (error) {
    if (error instanceof DataFormatError) throw error;
    throw new DataFormatError(`not a table of values parted by ${isCsv(file) ? "commas" : "tabs"}`, {
      where: file,
      got: messageOf(error),
      cause: error,
    });
  }
};

/** Refuses a spreadsheet, saying how it becomes a table. @throws {DataFormatError} */
export const refuseSpreadsheet = (file: string): void => {
  if (/\.xlsx?$/i.test(file))
    throw new DataFormatError("a spreadsheet", {
      where: file,
      expected: "the same rows as TSV, JSON or JSON lines",
      hint: 'in Python: pandas.read_excel(f).to_csv("answers.tsv", sep="\\t", index=False)',
    });
};
