import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, DataFormatError } from "../core/errors.ts";
import { readJsonFile, readJsonRows } from "../core/files.ts";
import { explainZod } from "../core/registry.ts";
import type { Sample } from "./sample.ts";
import { type DatasetDescription, descriptionSchema, sampleFromRow } from "./schema.ts";

/**
 * What a data set says about itself.
 * @throws {ConfigError} when the folder holds no finished data set
 * @throws {DataFormatError} when `dataset.json` is malformed
 */
export const readDescription = (folder: string): DatasetDescription => {
  const file = join(folder, "dataset.json");
  if (!existsSync(file))
    throw new ConfigError("no data set here", {
      where: folder,
      expected: "a folder with dataset.json",
      hint: "it is written last; run the command that makes the data set again to finish it",
    });
  const parsed = descriptionSchema.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not a data set description", { where: file, got: explainZod(parsed.error) });
  return parsed.data;
};

/** The samples of one JSON-lines file in order, one in memory at a time. @throws {DataFormatError} `file:line` */
export async function* readSampleFile(file: string): AsyncGenerator<Sample> {
  if (!existsSync(file)) throw new DataFormatError("missing file of a data set", { where: file });
  for await (const { value, where } of readJsonRows(file)) yield sampleFromRow(value, where);
}

/** Every sample of a data set folder in order. */
export async function* readSamples(folder: string): AsyncGenerator<Sample> {
  for (const { file } of readDescription(folder).files)
    if (/^samples-.*\.jsonl$/.test(file)) yield* readSampleFile(join(folder, file));
}
