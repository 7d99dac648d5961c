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
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, DataFormatError, messageOf } from "./errors.ts";
import { decodeUtf8, parseJsonFile, parseJsonRow, refuseWideText } from "./json-text.ts";

let serial = 0;

/** A failure of the file system with the place where it happened, which a failed write to an open file does not know. */
export const atPlace = (error: unknown, file: string): unknown =>
  error instanceof Error && "syscall" in error && !("path" in error)
    ? Object.assign(error, { path: file })
    : error;

/**
 * Writes a file so that a reader, or a crash, sees either the old content or the whole new one.
 *
 * @param isSynced false: a power cut may leave it empty until {@link syncFiles}
 */
export const writeFileAtomic = (file: string, content: string | Uint8Array, isSynced = true): void => {
  const temporary = `${file}.${process.pid}.${serial++}.tmp`;
  const handle = openSync(temporary, "w");
  try {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    let at = 0;
    while (at < bytes.length) at += writeSync(handle, bytes, at);
    if (isSynced) fsyncSync(handle);
    closeSync(handle);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw atPlace(error, file);
  }
};

/**
 * Writes a file whose name says its content. Where there is none of that name it is written in place, so that a killed program
 * may leave a part of it; one that is there, or a part, is replaced whole. A power cut may leave it empty until
 * {@link syncFiles}.
 */
export const writeFileByContent = (file: string, content: Uint8Array): void => {
  let handle: number;
  try {
    handle = openSync(file, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    writeFileAtomic(file, content, false);
    return;
  }
  try {
    let at = 0;
    while (at < content.length) at += writeSync(handle, content, at);
  } catch (error) {
    rmSync(file, { force: true });
    throw atPlace(error, file);
  } finally {
    closeSync(handle);
  }
};

/** Waits until files that were written without it are on the disk, many at a time: that costs one wait, not one each. */
export const syncFiles = async (files: readonly string[]): Promise<void> => {
  const waiting = files.values();
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      const handle = await open(file, "r");
      await handle.datasync().finally(() => handle.close());
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
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

/** One row of a JSON-lines file. */
export interface JsonRow {
  readonly value: unknown;
  /** `file:line`, lines counted from 1, empty ones included. */
  readonly where: string;
}

const LINE_FEED = 10;

const cannotRead = (file: string, error: unknown): DataFormatError =>
  new DataFormatError("cannot read file", { where: file, got: messageOf(error), cause: error });

/** Pieces of a file; the first is at least 4 bytes long, unless the file is shorter. */
async function* piecesOf(file: string): AsyncGenerator<Buffer> {
  let first: Buffer | undefined;
  try {
    for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
      if (first === undefined || first.length >= 4) {
        if (first !== undefined) yield first;
        first = piece;
      } else first = Buffer.concat([first, piece]);
    }
  } catch (error) {
    throw cannotRead(file, error);
  }
  if (first !== undefined) yield first;
}

/** The rows of lines that end before `\n`; a lone `\r`, which no JSON string can hold, ends one, too. */
function* rowsOf(text: string, file: string, line: { number: number }): Generator<JsonRow> {
  for (const written of text.replace(/\r$/, "").split("\r")) {
    if (written.replace(/^\uFEFF+/, "").trim() !== "")
      yield { value: parseJsonRow(written, file, line.number), where: `${file}:${line.number}` };
    line.number++;
  }
}

/**
 * The rows of a JSON-lines file, one in memory at a time, empty lines left out. Lines end at `\n`, `\r\n` or `\r` and
 * nowhere else: U+2028 and U+2029 are characters like others inside a string.
 *
 * @throws {DataFormatError} naming file and line: no UTF-8, no JSON (also a last line cut short), a key that stands twice
 */
export async function* readJsonRows(file: string): AsyncGenerator<JsonRow> {
  const line = { number: 1 };
  let held: Buffer[] = [];
  let begun = false;
  for await (const piece of piecesOf(file)) {
    if (!begun) refuseWideText(piece, file);
    begun = true;
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const bytes = Buffer.concat([...held, piece.subarray(start, end)]);
      yield* rowsOf(decodeUtf8(bytes, `${file}:${line.number}`), file, line);
      held = [];
      start = end + 1;
    }
    held.push(piece.subarray(start));
  }
  const rest = Buffer.concat(held);
  if (rest.length > 0) yield* rowsOf(decodeUtf8(rest, `${file}:${line.number}`), file, line);
}

/** The text of a file in UTF-8, without its byte-order mark. @throws {DataFormatError} naming the file */
export const readTextFile = (file: string): string => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
  refuseWideText(bytes, file);
  return decodeUtf8(bytes, file).replace(/^\uFEFF/, "");
};

/** Reads and parses a JSON file. @throws {DataFormatError} when missing, malformed or with a key that stands twice */
export const readJsonFile = (file: string): unknown => parseJsonFile(readTextFile(file), file);

/** The rows of a text of JSON lines. @throws {DataFormatError} as {@link readJsonRows} */
export const parseJsonRows = (text: string, file: string): JsonRow[] => {
  const line = { number: 1 };
  return text.split("\n").flatMap((written) => [...rowsOf(written, file, line)]);
};
