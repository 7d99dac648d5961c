import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FramesFolder } from "../../../src/jobs/frames-folder.ts";

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "frames-folder-"));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const picture = (index: number): [Parameters<FramesFolder["add"]>[0], Uint8Array] => [
  { index, timeSeconds: index / 10, width: 2, height: 1, rgbSha256: "" },
  new Uint8Array(6).fill(index),
];
const list = (): boolean => existsSync(join(path, "frames.json"));

test("a second call takes the list away before its first picture: it speaks of all or is not there", async () => {
  const first = new FramesFolder(path, { of: "one" }, false);
  await first.add(...picture(1));
  first.close();
  first.finish({ frames: [1] });
  expect(list()).toBe(true);
  const second = new FramesFolder(path, { of: "two" }, false);
  await second.add(...picture(2));
  second.close();
  expect(list()).toBe(false);
  const resumed = new FramesFolder(path, { of: "two" }, true);
  expect(resumed.found([1, 2]).map(([index]) => index)).toEqual([2]);
  resumed.finish({ frames: [2] });
  expect(readdirSync(path).sort()).toEqual(["frame-0000001.png", "frame-0000002.png", "frames.json"]);
});

test("pictures of another request are refused", async () => {
  const first = new FramesFolder(path, { of: "one" }, false);
  await first.add(...picture(1));
  first.close();
  expect(() => new FramesFolder(path, { of: "two" }, true)).toThrow(/of another request/);
});
