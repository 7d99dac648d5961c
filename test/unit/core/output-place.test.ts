import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkOutput } from "../../../src/cli/output-place.ts";
import { ConfigError } from "../../../src/core/errors.ts";

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
