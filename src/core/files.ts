import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { ConfigError, DataFormatError, messageOf } from "./errors.ts";

let serial = 0;

/** Writes a file so that a reader, or a crash, sees either the old content or the whole new one. */
export const writeFileAtomic = (file: string, content: string | Uint8Array): void => {
  const temporary = `${file}.${process.pid}.${serial++}.tmp`;
  const handle = openSync(temporary, "w");
  try {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    let at = 0;
    while (at < bytes.length) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
    closeSync(handle);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
};

/** Whether a folder stands there (or a link to one); false for whatever cannot be looked at. */
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Makes one folder whose parent is there; another process may be quicker. */
const makeOne = (path: string): void => {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isFolder(path)) throw error;
  }
};

/**
 * Makes a folder and those above it. Node's own recursive mkdir tries for ever, deaf to signals, where a file system
 * takes no folders but says that the parent is missing (`/proc`); here every folder is tried once, from the top.
 *
 * @throws {ConfigError} when the place takes no folder: a file in the way, no right, a full disk, `/proc`
 */
export const makeFolder = (path: string): void => {
  const missing: string[] = [];
  let place = resolve(path);
  try {
    while (!isFolder(place)) {
      missing.push(place);
      if (dirname(place) === place) break;
      place = dirname(place);
    }
    for (const folder of missing.reverse()) makeOne(folder);
  } catch (error) {
    throw new ConfigError("cannot make a folder", {
      where: path,
      got: messageOf(error),
      hint: "choose a place that can be written",
      cause: error,
    });
  }
};

/** SHA-256 of a file's bytes, lower-case hexadecimal, read in pieces. */
export const sha256OfFile = async (file: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
};

/** SHA-256 of bytes or text, lower-case hexadecimal. */
export const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

/** Parses JSON text. @throws {DataFormatError} naming `where` */
export const parseJson = (text: string, where: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataFormatError("not valid JSON", { where, got: messageOf(error), cause: error });
  }
};

/** Reads and parses a JSON file. @throws {DataFormatError} when missing or malformed */
export const readJsonFile = (file: string): unknown => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new DataFormatError("cannot read file", { where: file, got: messageOf(error), cause: error });
  }
  return parseJson(text, file);
};

/** The rows of a JSON-lines file, one at a time; a last line cut short by a crash is an error that names it. */
export async function* readJsonLines(file: string): AsyncGenerator<unknown> {
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line++;
    if (text.trim() !== "") yield parseJson(text, `${file}:${line}`);
  }
}
