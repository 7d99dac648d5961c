import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { DataFormatError, messageOf } from "./errors.ts";

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
