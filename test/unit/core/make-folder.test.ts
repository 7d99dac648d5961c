import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../../../src/core/errors.ts";
import { makeFolder } from "../../../src/core/files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "make-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each(["one", "one/two/three", ".", "one/../two"])("%s is made, and again", (name) => {
  makeFolder(join(folder, name));
  makeFolder(join(folder, name));
  expect(existsSync(join(folder, name))).toBe(true);
});

test("a link to a folder counts as one", () => {
  makeFolder(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  makeFolder(join(folder, "link", "inside"));
  expect(readdirSync(join(folder, "real"))).toEqual(["inside"]);
});

test.each([
  ["file", /EEXIST/],
  ["file/inside", /ENOTDIR|EEXIST/],
  ["file/inside/deeper", /ENOTDIR|EEXIST/],
  ["dangling/inside", /ENOENT|EEXIST/],
])("%s cannot be made: one line, nothing half-made", (name, reason) => {
  writeFileSync(join(folder, "file"), "");
  symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
  const make = (): void => makeFolder(join(folder, name));
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(reason);
  expect(readdirSync(folder).sort()).toEqual(["dangling", "file"]);
});

test
  .runIf(process.platform === "linux")
  .each(["/proc/videoperceiver", "/proc/videoperceiver/deep", "/sys/x/y"])(
  "%s is refused at once",
  (place) => {
    const before = performance.now();
    expect(() => makeFolder(place)).toThrow(
      /^cannot make a folder: [^\n]*choose a place that can be written$/,
    );
    expect(performance.now() - before).toBeLessThan(1000);
  },
);

test("nothing under src makes folders in another way", () => {
  const root = fileURLToPath(new URL("../../../src", import.meta.url));
  const recursive = /\b(mkdirSync|mkdir)\([^;]*recursive/;
  const found = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && recursive.test(readFileSync(join(root, name), "utf8")),
  );
  expect(found).toEqual([]);
});
