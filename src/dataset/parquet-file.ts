import { rmSync } from "node:fs";
import { fileWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";

/** A column: its type, and with `list` a list of it; `fields` makes it a group. */
export interface ParquetColumn {
  readonly type: "text" | "bytes" | "number" | "integer" | "boolean" | "group";
  readonly list?: boolean;
  readonly fields?: Readonly<Record<string, ParquetColumn>>;
}

const leafTypes = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  bytes: { type: "BYTE_ARRAY" },
  number: { type: "DOUBLE" },
  integer: { type: "INT64" },
  boolean: { type: "BOOLEAN" },
} as const;

/** The elements of a column in Parquet's order: a group before its fields, a list in three steps. */
const elementsOf = (name: string, { type, list, fields = {} }: ParquetColumn): SchemaElement[] => {
  if (list === true)
    return [
      { name, num_children: 1, repetition_type: "OPTIONAL", converted_type: "LIST" },
      { name: "list", num_children: 1, repetition_type: "REPEATED" },
      ...elementsOf("element", { type, fields }),
    ];
  if (type !== "group") return [{ name, repetition_type: "OPTIONAL", ...leafTypes[type] }];
  const inner = Object.entries(fields).flatMap(([field, column]) => elementsOf(field, column));
  return [{ name, num_children: Object.keys(fields).length, repetition_type: "OPTIONAL" }, ...inner];
};

/** Rows and bytes after which a piece goes to the file. */
const mostRows = 1000;
const mostBytes = 64e6;

/** A Parquet file, written piece by piece; `note` goes into its metadata under the given key. */
export class ParquetFile {
  readonly file: string;
  /** Rows so far. */
  rows = 0;
  readonly #columns: Readonly<Record<string, ParquetColumn>>;
  readonly #writer: ParquetWriter;
  #waiting: Readonly<Record<string, unknown>>[] = [];
  #bytes = 0;
  constructor(
    file: string,
    columns: Readonly<Record<string, ParquetColumn>>,
    note: Readonly<Record<string, string>> = {},
  ) {
    this.file = file;
    this.#columns = columns;
    const schema: SchemaElement[] = [
      { name: "root", num_children: Object.keys(columns).length },
      ...Object.entries(columns).flatMap(([name, column]) => elementsOf(name, column)),
    ];
    const kvMetadata = Object.entries(note).map(([key, value]) => ({ key, value }));
    // Statistics of films and pictures would repeat their first bytes in the footer.
    this.#writer = new ParquetWriter({
      writer: fileWriter(file),
      schema,
      statistics: false,
      kvMetadata,
      createdBy: "videoperceiver",
    });
  }
  /** Adds a row; a column that it leaves out is null. @param bytes of its films and pictures */
  add(row: Readonly<Record<string, unknown>>, bytes = 0): void {
    this.#waiting.push(row);
    this.#bytes += bytes;
    this.rows++;
    if (this.#waiting.length >= mostRows || this.#bytes >= mostBytes) this.#flush();
  }
  close(): void {
    this.#flush();
    void this.#writer.finish();
  }
  discard(): void {
    rmSync(this.file, { force: true });
  }
  #flush(): void {
    if (this.#waiting.length === 0) return;
    const columnData = Object.keys(this.#columns).map((name) => ({
      name,
      data: this.#waiting.map((row) => row[name] ?? null),
      // Films do not repeat: looking for repetitions costs memory.
      encoding: "PLAIN" as const,
    }));
    void this.#writer.write({ columnData, rowGroupSize: this.#waiting.length });
    this.#waiting = [];
    this.#bytes = 0;
  }
}
