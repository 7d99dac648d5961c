import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseJsonRows } from "../../src/core/files.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import type { Rejection } from "../../src/dataset/schema.ts";
import { runCommand } from "../extension/run-command.ts";
import { writeClips } from "./build/clips.ts";

const clips = 5;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kept-apart-"));
  process.env["VIDEOPERCEIVER_CACHE"] = join(folder, "cache");
  await writeClips(folder, clips);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const build = (out: string, ...more: string[]): ReturnType<typeof runCommand> =>
  runCommand("build", at("clips"), "--captions", at("captions.csv"), "--out", at(out), ...more);

const namesIn = async (out: string): Promise<unknown[]> => {
  const names: unknown[] = [];
  for await (const { provenance } of readSamples(at(out))) names.push(provenance["clip"]);
  return names;
};

const rejectedOf = (out: string): Rejection[] =>
  parseJsonRows(readFileSync(join(at(out), "rejected.jsonl"), "utf8"), "rejected.jsonl").map(
    ({ value }) => value as Rejection,
  );

test("--not-in keeps clips out by content, by look and by name, also when other rules are chosen", async () => {
  // The same film under another name, and a list of names.
  mkdirSync(at("bench"));
  cpSync(at("clips/c1.mp4"), at("bench/film.mp4"));
  writeFileSync(at("list.txt"), "c3.mp4\n");
  const apart = ["--not-in", at("bench"), at("list.txt"), "--skip-rules", "near-duplicate"];
  for (const [out, ...more] of [["all"], ["some", "--rules", "question-form"]] as const) {
    const rules = more.length > 0 ? ["--not-in", at("bench"), at("list.txt"), ...more] : apart;
    const { status, stderr } = build(out, ...rules);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
    expect(await namesIn(out)).toEqual(["c0", "c2", "c4"]);
    expect(rejectedOf(out).filter(({ ruleId }) => ruleId === "not-in")).toEqual([
      { source: "captions.csv:3/describe-1", ruleId: "not-in", reason: expect.stringContaining("content") },
      { source: "captions.csv:5/describe-1", ruleId: "not-in", reason: expect.stringContaining("named c3") },
    ]);
  }
  const { rules } = readDescription(at("some")).recipe.params as { rules: unknown[] };
  expect(rules).toContainEqual({
    name: "not-in",
    params: expect.objectContaining({ hashes: 1, names: 2, prints: 1, look: 0.1 }),
  });
});

test("a data set that must stay apart is one", async () => {
  expect(build("first", "--skip-rules", "near-duplicate").status).toBe(0);
  const { status } = build("second", "--skip-rules", "near-duplicate", "--not-in", at("first"));
  // Nothing is left of it.
  expect(status).toBe(1);
  expect(await namesIn("second")).toEqual([]);
});

test("wrong names and contradictions are told before a clip of --not-in is read", () => {
  mkdirSync(at("odd"));
  writeFileSync(at("odd/broken.mp4"), "no film");
  for (const [more, said] of [
    [["--rules", "nosuch"], /^unknown validator rule "nosuch"/],
    [["--relevance", "nosuch"], /^unknown relevance provider "nosuch"/],
    [["--extractor", "nosuch"], /^unknown keyword extractor "nosuch"/],
    [["--not-in", at("odd"), at("nowhere.txt")], /^no such file for --not-in: /],
    [["--clips", at("clips")], /^say once where the clips are; expected .* got --captions and --clips/],
  ] as const) {
    const { status, stderr } = build("wrong", "--not-in", at("odd"), ...more);
    expect([status, stderr.trim().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toMatch(said);
  }
});

test("decisions about a set fit the sets that are built of it", async () => {
  writeFileSync(
    at("decisions.json"),
    JSON.stringify({
      schema: "videoperceiver/decisions@1",
      decisions: {
        "captions.csv:2": { verdict: "reject" },
        "captions.csv:4/describe-1": { verdict: "reject" },
      },
    }),
  );
  const { status, stderr } = runCommand(
    ...["build", at("first"), "--out", at("thinned"), "--decisions", at("decisions.json")],
    ...["--skip-rules", "near-duplicate"],
  );
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("decisions are about nothing")]);
  // The clips keep the names that they had in the first source.
  expect(await namesIn("thinned")).toEqual(["c1", "c3", "c4"]);
});
