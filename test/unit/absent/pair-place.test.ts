import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pair } from "../../../src/absent/pair.ts";
import { checkPairPlace } from "../../../src/absent/pair-place.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pair-place-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clip = "a".repeat(64);
const pair = {
  schema: "videoperceiver/pair@1",
  complete: { file: "clip.mp4", sha256: clip },
  timeline: [
    { index: 0, timeSeconds: 0 },
    { index: 1, timeSeconds: 0.5 },
  ],
  keywords: ["jump"],
  relevance: { name: "motion", params: {}, version: "2" },
  scores: [0, 1],
  keyFrames: [1],
  replacements: [{ index: 1, from: 0 }],
  builder: { name: "previous-frame", params: {} },
  seed: 0,
} as unknown as Pair;
const written = {
  ...pair,
  complete: { file: "complete.mp4", sha256: "b".repeat(64) },
  absent: { file: "absent.mp4", sha256: "c".repeat(64) },
  source: pair.complete,
  replacements: [],
};
const put = (record: unknown): void => writeFileSync(join(folder, "pair.json"), JSON.stringify(record));

test("a new or empty folder is free, and files of others do not matter", () => {
  writeFileSync(join(folder, "notes.txt"), "");
  expect(() => checkPairPlace(folder, clip, pair)).not.toThrow();
  expect(() => checkPairPlace(join(folder, "new"), clip, pair)).not.toThrow();
});

test.each([
  ["virtual", pair],
  ["written", written],
])("the same pair may be written again over a %s one", (_, record) => {
  put(record);
  expect(() => checkPairPlace(folder, clip)).not.toThrow();
  expect(() => checkPairPlace(folder, clip, pair)).not.toThrow();
});

test.each([
  ["another clip", { complete: { file: "b.mp4", sha256: "d".repeat(64) } }, /a pair of b\.mp4/],
  ["another builder", { builder: { name: "span", params: {} } }, /made in another way/],
  ["another seed", { seed: 1 }, /made in another way/],
  ["other scores", { scores: [1, 0] }, /made in another way/],
  ["another caption", { caption: "x" }, /made in another way/],
])("%s is another pair", (_, change, message) => {
  put({ ...pair, ...change });
  expect(() => checkPairPlace(folder, clip, pair)).toThrow(message);
  expect(() => checkPairPlace(folder, clip, pair)).toThrow(/there is another pair already.*--force$/);
});

test.each(["pair.json", "complete.mp4", "absent.mp4", "sheet.png"])(
  "a stray %s is not overwritten",
  (name) => {
    writeFileSync(join(folder, name), "what is this");
    expect(() => checkPairPlace(folder, clip)).toThrow(new RegExp(`got ${name}; .*--force$`));
  },
);
