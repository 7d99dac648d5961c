import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError, messageOf } from "../core/errors.ts";

/**
 * The file that was named, or the files of a folder whose names fit, sorted.
 *
 * @param what for the message, e.g. "questions of TOMATO"
 * @throws {DataFormatError} when there is nothing there, or no file fits
 */
export const filesAt = (path: string, fits: RegExp, what: string): string[] => {
  let names: string[];
  try {
    if (!statSync(path).isDirectory()) return [path];
    names = readdirSync(path).sort();
  } catch (error) {
    throw new DataFormatError(`cannot read file or folder of ${what}`, {
      where: path,
      got: messageOf(error),
      cause: error,
    });
  }
  const found = names.filter((name) => fits.test(name));
  if (found.length === 0)
    throw new DataFormatError(`no ${what} in the folder`, {
      where: path,
      expected: `names like ${fits.source}`,
      got: names.slice(0, 5).join(", ") || "an empty folder",
    });
  return found.map((name) => join(path, name));
};
