import type { ParquetColumn } from "./parquet-file.ts";

/** A column as Hugging Face's `datasets` types it; films and pictures are groups of bytes and path. */
export interface HubColumn {
  readonly kind: "text" | "number" | "integer" | "video" | "image" | "group";
  readonly list?: boolean;
  readonly fields?: Readonly<Record<string, HubColumn>>;
}

const media: ParquetColumn = {
  type: "group",
  fields: { bytes: { type: "bytes" }, path: { type: "text" } },
};

/** How a column lies in the file. */
const stored = ({ kind, list, fields }: HubColumn): ParquetColumn => {
  const one: ParquetColumn =
    kind === "video" || kind === "image"
      ? media
      : kind === "group"
        ? { type: "group", fields: storedColumns(fields ?? {}) }
        : { type: kind };
  return list === true ? { ...one, list } : one;
};

/** Columns as they lie in the file. */
export const storedColumns = (columns: Readonly<Record<string, HubColumn>>): Record<string, ParquetColumn> =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, stored(column)]));

const valueTypes = { text: "string", number: "float64", integer: "int64" } as const;

const featureOf = ({ kind, list, fields = {} }: HubColumn): unknown => {
  const one =
    kind === "video"
      ? { _type: "Video" }
      : kind === "image"
        ? { _type: "Image" }
        : kind === "group"
          ? Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, featureOf(field)]))
          : { dtype: valueTypes[kind], _type: "Value" };
  return list === true ? { feature: one, _type: "List" } : one;
};

/** The note in a Parquet file's metadata from which `datasets` takes the types of its columns. */
export const hubFeatures = (
  columns: Readonly<Record<string, HubColumn>>,
): { readonly huggingface: string } => ({
  huggingface: JSON.stringify({
    info: {
      features: Object.fromEntries(Object.entries(columns).map(([name, one]) => [name, featureOf(one)])),
    },
  }),
});
