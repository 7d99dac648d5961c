import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFileByContent } from "../../../src/core/files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "by-content-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file by its content is made, and one that was cut short is replaced whole", () => {
  const file = join(folder, "picture.jpg");
  const content = new Uint8Array(100_000).map((_, at) => at);
  writeFileByContent(file, content);
  expect(new Uint8Array(readFileSync(file))).toEqual(content);
  writeFileSync(file, content.subarray(0, 7));
  writeFileByContent(file, content);
  expect(new Uint8Array(readFileSync(file))).toEqual(content);
  expect(readdirSync(folder)).toEqual(["picture.jpg"]);
});

test("a place that takes no file is named", () => {
  mkdirSync(join(folder, "taken"));
  expect(() => writeFileByContent(join(folder, "taken"), Uint8Array.of(1))).toThrow(/taken/);
  expect(() => writeFileByContent(join(folder, "missing", "picture.jpg"), Uint8Array.of(1))).toThrow(
    /missing/,
  );
});
