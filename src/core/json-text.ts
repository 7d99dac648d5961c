import { isUtf8 } from "node:buffer";
import { DataFormatError, messageOf } from "./errors.ts";
import { foreignFile } from "./foreign-file.ts";

/** A name that stands twice in one object of a JSON text. */
export interface RepeatedKey {
  readonly key: string;
  /** Line of its second place, from 1. */
  readonly line: number;
}

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The first name that stands twice in one object; `JSON.parse` silently keeps the last. The text must be valid JSON.
 * Names are equal when they mean the same characters, however they are escaped.
 */
export const repeatedKey = (json: string): RepeatedKey | undefined => {
  const open: (Set<string> | undefined)[] = [];
  let names: Set<string> | undefined;
  for (let at = 0; at < json.length; at++) {
    const mark = json.charCodeAt(at);
    if (mark === 123 || mark === 91) {
      open.push(names);
      names = mark === 123 ? new Set() : undefined;
    } else if (mark === 125 || mark === 93) names = open.pop();
    else if (mark === QUOTE) {
      const start = at;
      let escaped = false;
      for (at++; json.charCodeAt(at) !== QUOTE; at++)
        if (json.charCodeAt(at) === BACKSLASH) {
          escaped = true;
          at++;
        }
      if (names === undefined) continue;
      let after = at + 1;
      while (json.charCodeAt(after) <= 32) after++;
      if (json.charCodeAt(after) !== 58) continue;
      const written = json.slice(start + 1, at);
      const key = escaped ? (JSON.parse(`"${written}"`) as string) : written;
      if (names.has(key)) return { key, line: json.slice(0, start).split("\n").length };
      names.add(key);
    }
  }
  return undefined;
};

const withoutMark = (text: string): string => text.replace(/^\uFEFF+/, "");

/** A JSON text without the commas that stand before a closing bracket or at its very end. */
const withoutTrailingCommas = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*(?:[}\]]|$))/gs, (whole, text?: string) => text ?? whole.slice(1));

const refuseRepeated = (json: string, placeOf: (line: number) => string): void => {
  const twice = repeatedKey(json);
  if (twice !== undefined)
    throw new DataFormatError("a key stands twice in one JSON object", {
      where: placeOf(twice.line),
      got: `${JSON.stringify(twice.key.slice(0, 120))} again`,
      hint: "keep one of them",
    });
};

/** What is no JSON: the parser's words, or what the text is instead. */
const notJson = (text: string, where: string, error: unknown, hint?: string): DataFormatError => {
  const foreign = foreignFile(text.slice(0, 64));
  const known = foreign === undefined || foreign.what === "JSON" ? undefined : foreign;
  const told = known?.hint ?? hint;
  return new DataFormatError("not valid JSON", {
    where,
    got: text.trim() === "" ? "nothing" : (known?.what ?? messageOf(error)),
    ...(told !== undefined && { hint: told }),
    cause: error,
  });
};

/** Parses JSON text of another program; of equal keys the last one counts. @throws {DataFormatError} naming `where` */
export const parseJson = (text: string, where: string): unknown => {
  try {
    return JSON.parse(withoutMark(text));
  } catch (error) {
    throw notJson(text, where, error);
  }
};

/** Parses a whole file's JSON. @throws {DataFormatError} naming the file, and the line of a key that stands twice */
export const parseJsonFile = (text: string, file: string): unknown => {
  const value = parseJson(text, file);
  refuseRepeated(text, (line) => `${file}:${line}`);
  return value;
};

/** Text that people write: a comma too many says nothing and is passed over. */
const parseLenient = (text: string, placeOf: (line?: number) => string, hint?: string): unknown => {
  let json = withoutMark(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    json = withoutTrailingCommas(json);
    try {
      value = JSON.parse(json);
    } catch {
      throw notJson(text, placeOf(), error, hint);
    }
  }
  refuseRepeated(json, placeOf);
  return value;
};

/**
 * Parses one line of a JSON-lines file. A byte-order mark in front and a comma behind the value, or behind the last
 * item of an object or list, are passed over.
 *
 * @throws {DataFormatError} naming `file:line`, and a key that stands twice in one object
 */
export const parseJsonRow = (text: string, file: string, line: number): unknown =>
  parseLenient(
    text,
    () => `${file}:${line}`,
    line === 1 && /^\s*\[/.test(text) ? "write one object a line, without a list around them" : undefined,
  );

/** {@link parseJsonFile} for files that people write by hand: commas too many are passed over. */
export const parseHandWrittenJson = (text: string, file: string): unknown =>
  parseLenient(text, (line) => (line === undefined ? file : `${file}:${line}`));

const wideEncodingOf = (bytes: Uint8Array): string | undefined => {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 && bytes.length > 3 ? "UTF-32" : "UTF-16";
  if (a === 0xfe && b === 0xff) return "UTF-16";
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return "UTF-32";
  if (bytes.length < 2 || (a !== 0 && b !== 0)) return undefined;
  // JSON starts with an ASCII character, of which wide encodings leave bytes of zero.
  if ((a === 0) === (b === 0) || (bytes.length > 3 && c === 0 && d === 0)) return "UTF-32";
  return a === 0 ? "UTF-16BE" : "UTF-16LE";
};

/** Refuses the beginning of a file that is text in another encoding. @throws {DataFormatError} naming encoding and file */
export const refuseWideText = (start: Uint8Array, file: string): void => {
  const encoding = wideEncodingOf(start);
  if (encoding !== undefined)
    throw new DataFormatError("text in the wrong encoding", {
      where: file,
      expected: "UTF-8",
      got: encoding,
      hint: `convert it first: iconv -f ${encoding} -t UTF-8 < old > new`,
    });
};

/** Bytes of UTF-8 as text; anything else is refused, not replaced. @throws {DataFormatError} naming `where` */
export const decodeUtf8 = (bytes: Uint8Array, where: string): string => {
  if (!isUtf8(bytes)) {
    const known = foreignFile(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
    const foreign = known?.what === "JSON" || known?.what === "XML" ? undefined : known;
    throw new DataFormatError("text in the wrong encoding", {
      where,
      expected: "UTF-8",
      got: foreign?.what ?? "bytes that are none",
      hint: foreign?.hint ?? "save the file as UTF-8",
    });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
};
