/** What a file is that stands where another kind was expected. */
export interface ForeignFile {
  readonly what: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Files that stand where something else was expected, by how they begin. */
const foreign: readonly (readonly [begin: RegExp | string, what: string, hint?: string])[] = [
  [/^version https:\/\/git-lfs/, "a pointer of Git LFS, not the file itself", "git lfs pull fetches it"],
  [
    /^\s*(<!doctype html|<html)/i,
    "a web page",
    "the download gave a page instead of the file: fetch it again",
  ],
  [/^\s*<\?xml/, "XML"],
  [/^\s*[[{]\s*["{[]/, "JSON"],
  [/^%PDF-/, "a PDF document"],
  ["PK\x03\x04", "a ZIP archive", "unpack it first"],
  ["\x1f\x8b", "a gzip archive", "unpack it first"],
  [/^(7z\xbc\xaf|Rar!)/, "an archive", "unpack it first"],
  ["\0".repeat(16), "zeros only", "the file was not written to its end: fetch or copy it again"],
];

/** What a file that cannot be read is, by its first bytes as Latin-1 text (64 are enough); undefined: nothing that is known. */
export const foreignFile = (head: string): ForeignFile | undefined => {
  const found = foreign.find(([begin]) =>
    typeof begin === "string" ? head.startsWith(begin) : begin.test(head),
  );
  if (found === undefined) return undefined;
  const [, what, hint] = found;
  return { what, ...(hint !== undefined && { hint }) };
};
