import { dirname, resolve } from "node:path";
import { z } from "zod";
import { ConfigError, DataFormatError } from "../../core/errors.ts";
import { isRecord, type JsonRecord, jsonRecords, looksLikeJson } from "../json-records.ts";
import { defineSource, type SourceDefinition, type SourceRow, type UnreadRow } from "../sources.ts";
import { type ColumnChoice, chooseColumns, tableParams, tableRow } from "../table-row.ts";

const params = z.strictObject(tableParams);

/** Fields of an entry; `"clip.mp4": "what happens"` and `"clip.mp4": { ... }` name the clip by the key. */
const fieldsOf = ({ value, key }: JsonRecord): Readonly<Record<string, unknown>> | undefined => {
  if (key !== undefined && typeof value === "string") return { clip: key, caption: value };
  if (!isRecord(value)) return undefined;
  return key === undefined ? value : { clip: key, ...value };
};

function* rowsOf(
  place: string,
  { separator, ...named }: z.output<typeof params>,
): Generator<SourceRow | UnreadRow> {
  const unseen = new Map(Object.entries(named).filter(([, name]) => name !== undefined));
  for (const record of jsonRecords(place)) {
    if ("unread" in record) {
      yield record;
      continue;
    }
    const { where, name } = record;
    const fields = fieldsOf(record);
    if (fields === undefined) {
      yield { unread: { where, reason: "not a row; expected an object with fields" } };
      continue;
    }
    for (const [meaning, column] of unseen) if (column! in fields) unseen.delete(meaning);
    try {
      // Rows of one file need not all have the same fields.
      const columns = chooseColumns(Object.keys(fields), presentOf(named as ColumnChoice, fields), where);
      yield tableRow({ fields, where, name }, columns, separator);
    } catch (error) {
      if (!(error instanceof DataFormatError)) throw error;
      yield { unread: { where, reason: error.message } };
    }
  }
  for (const column of unseen.values())
    throw new ConfigError(`no row has a field "${column}"`, { where: place });
}

/** The named columns that a row has; the clip's column is missed where it is missing. */
const presentOf = (named: ColumnChoice, fields: Readonly<Record<string, unknown>>): ColumnChoice =>
  Object.fromEntries(Object.entries(named).filter(([meaning, name]) => meaning === "clip" || name in fields));

/** Rows with named fields: a JSON list, an object by clip, or JSON lines. */
const source: SourceDefinition = defineSource({
  summary: "a JSON or JSON-lines file: objects with a clip and its caption or question",
  source: "ours",
  params,
  general: true,
  recognises: ({ isFolder, place, head }) =>
    !isFolder && /\.(json|jsonl|ndjson)$/i.test(place) && looksLikeJson(head),
  create: (checked) => ({
    folder: (place) => dirname(resolve(place)),
    rows: async function* (place) {
      yield* rowsOf(place, checked);
    },
  }),
});

export default source;
