import { basename, dirname, resolve } from "node:path";
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
  const records = [...jsonRecords(place)];
  refuseLists(place, records);
  for (const record of records) {
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

/** @throws {DataFormatError} for a file of several lists, of which nobody says which one is meant (MSR-VTT's own is one) */
const refuseLists = (place: string, records: readonly (JsonRecord | UnreadRow)[]): void => {
  const lists = records.flatMap((record) => {
    if ("unread" in record || record.key === undefined || !Array.isArray(record.value)) return [];
    const [first] = record.value as readonly unknown[];
    return isRecord(first) ? [{ key: record.key, fields: Object.keys(first).slice(0, 4).join(", ") }] : [];
  });
  if (lists.length < 2 || 2 * lists.length < records.length) return;
  throw new DataFormatError("several lists of rows", {
    where: place,
    expected: "one list, or an object by clip",
    got: lists
      .slice(0, 4)
      .map(({ key, fields }) => `${key} (${fields})`)
      .join("; "),
    hint: `save the one that says what happens as a file of its own: jq .${lists.at(-1)!.key} ${basename(place)} > rows.json`,
  });
};

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
