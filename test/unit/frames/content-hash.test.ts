import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../../../src/core/files.ts";
import { CacheFolder } from "../../../src/frames/cache-folder.ts";
import { ContentHash } from "../../../src/frames/content-hash.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "content-hash-"));
  file = join(folder, "clip.bin");
  writeFileSync(file, "content");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cache = (): CacheFolder => new CacheFolder(join(folder, "cache"), 1e6);
const notes = (): string[] => readdirSync(join(folder, "cache"));
/** For a test that need not wait until a file has rested. */
const hasher = (): ContentHash => new ContentHash(cache(), -1);

test("is the content's, also when the content changes within a moment", async () => {
  const hashes = new ContentHash(cache());
  for (const content of ["content", "c0ntent", "another"]) {
    writeFileSync(file, content);
    expect(await hashes.of(file)).toBe(sha256(content));
  }
  expect(notes()).toEqual([]);
});

test("is noted for the next process once the file lies still, and forgotten when the file changes", async () => {
  await hasher().of(file);
  expect(notes()).toHaveLength(1);
  // What stands in the note is believed: the file is not read again.
  writeFileSync(join(folder, "cache", notes()[0]!), sha256("something else"));
  expect(await hasher().of(file)).toBe(sha256("something else"));
  utimesSync(file, 1, 1);
  expect(await hasher().of(file)).toBe(sha256("content"));
  for (const note of notes()) writeFileSync(join(folder, "cache", note), "no hash");
  utimesSync(file, 1, 1);
  expect(await hasher().of(file)).toBe(sha256("content"));
});

test("works without a folder, and fails as the system does for what is not there", async () => {
  expect(await new ContentHash().of(file)).toBe(sha256("content"));
  await expect(new ContentHash(cache()).of(join(folder, "missing"))).rejects.toThrow(/ENOENT/);
});
