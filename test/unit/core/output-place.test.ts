import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../../src/core/errors.ts";
import { makeFolder } from "../../../src/core/files.ts";
import { checkOutput } from "../../../src/core/output-place.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "output-place-"));
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "folder"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["new", "file"],
  ["new", "folder"],
  ["deep/er/new", "file"],
  ["deep/er/new", "folder"],
  ["file", "file"],
  ["folder", "folder"],
] as const)("%s may become a %s", (name, kind) => {
  expect(() => checkOutput(join(folder, name), kind)).not.toThrow();
});

test.each([
  ["file", "folder", "got a file"],
  ["folder", "file", "got a folder"],
  ["file/inside", "file", "is a file"],
  ["file/inside/deeper", "folder", "is a file"],
] as const)("%s cannot become a %s", (name, kind, reason) => {
  expect(() => checkOutput(join(folder, name), kind)).toThrow(ConfigError);
  expect(() => checkOutput(join(folder, name), kind)).toThrow(reason);
});

test.each([
  ["/proc/videoperceiver", "folder"],
  ["/proc/videoperceiver/deep/er", "folder"],
  ["/proc/videoperceiver.html", "file"],
  ["/sys/videoperceiver/page.html", "file"],
  [`${"long".repeat(100)}/page.html`, "file"],
] as const)("%s is refused before any work", (place, kind) => {
  if (place.startsWith("/") && process.platform !== "linux") return;
  const before = performance.now();
  if (place.startsWith("/")) expect(() => checkOutput(place, kind)).toThrow(/^cannot write there: [^\n]+$/);
  else expect(() => makeFolder(join(folder, place))).toThrow(/^cannot make a folder: [^\n]*ENAMETOOLONG/);
  expect(performance.now() - before).toBeLessThan(1000);
});

test("nothing is left where something may be written", () => {
  checkOutput(join(folder, "folder"), "folder");
  checkOutput(join(folder, "deep/er/page.html"), "file");
  expect(readdirSync(folder).sort()).toEqual(["file", "folder"]);
});
