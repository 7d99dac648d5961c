import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseJsonRows } from "../../src/core/files.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import type { Rejection } from "../../src/dataset/schema.ts";
import { validateDataset } from "../../src/dataset/validate.ts";
import { runCommand } from "../extension/run-command.ts";
import { writeClips } from "./build/clips.ts";
import { killBuild } from "./build/kill-build.ts";
import { setContents } from "./build/set-contents.ts";

const poison = fileURLToPath(new URL("./build/poison.ts", import.meta.url));
const clips = 8;

let folder: string;
let undisturbed: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "build-"));
  process.env["VIDEOPERCEIVER_CACHE"] = join(folder, "cache");
  await writeClips(folder, clips);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const args = (out: string, ...more: string[]): string[] => [
  "build",
  at("clips"),
  "--captions",
  at("captions.csv"),
  "--out",
  at(`${out}/set`),
  ...more,
];

const contents = (out: string): Record<string, string> => setContents(at(`${out}/set`));

const rejectedOf = (out: string): Rejection[] =>
  parseJsonRows(readFileSync(join(at(out), "set", "rejected.jsonl"), "utf8"), "rejected.jsonl").map(
    ({ value }) => value as Rejection,
  );

const samplesOf = async (out: string): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for await (const sample of readSamples(join(at(out), "set"))) samples.push(sample);
  return samples;
};

test("a folder of clips and a table of captions become a data set; what fails is named", async () => {
  const { status, stdout, stderr } = runCommand(...args("one", "--workers", "1"), "--json");
  expect(stderr).not.toContain("    at ");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ pairs: clips, resumedClips: 0 });
  undisturbed = contents("one");
  expect(await validateDataset(at("one/set"), { clips: true })).toEqual([]);
  const samples = await samplesOf("one");
  expect(samples.map(({ id }) => id)).toEqual(
    Array.from({ length: clips }, (_, clip) => `captions.csv:${clip + 2}/describe-1`),
  );
  for (const [clip, { absent, answer, provenance }] of samples.entries()) {
    expect(answer).toBe(`A bright square number ${clip} flashes.`);
    expect(absent!.replacements.length).toBeGreaterThan(2);
    expect(provenance).toMatchObject({ clip: `c${clip}`, relevance: { name: "motion" } });
  }
  expect(rejectedOf("one")).toEqual([
    { source: `captions.csv:${clips + 3}`, ruleId: "source", reason: expect.stringContaining("gone.mp4") },
    { source: `captions.csv:${clips + 2}`, ruleId: "clip", reason: expect.stringContaining("broken.mp4") },
  ]);
  // No machine's folders are in what people pass on.
  for (const name of ["dataset.json", "card.md", "rejected.jsonl", "samples-00000.jsonl"])
    expect(readFileSync(join(at("one/set"), name), "utf8")).not.toContain(folder);
});

test("two workers give the same bytes as one", () => {
  expect(runCommand(...args("two", "--workers", "2")).status).toBe(0);
  expect(contents("two")).toEqual(undisturbed);
});

test("killed at random moments and started again, the bytes are those of the undisturbed build", async () => {
  const work = at("kills");
  const build = (set: string): string[] => [
    ...["build", at("clips"), "--captions", at("captions.csv"), "--out", set, "--workers", "2"],
  ];
  const { kills, compared } = await killBuild({ args: build, work, seed: "e2e", kills: 4 });
  expect(kills).toBe(4);
  expect(compared).toBeGreaterThan(0);
  expect(setContents(join(work, "whole/set"))).toEqual(undisturbed);
});

test("a clip that ends its worker is given up after some tries; all others are there", async () => {
  const { status, stderr } = runCommand(
    ...args("poisoned", "--plugin", poison, "--relevance", "poison", "--attempts", "2", "--workers", "2"),
  );
  expect(status).toBe(0);
  expect(stderr).toContain("c3: the worker ended (SIGKILL); tried again");
  expect((await samplesOf("poisoned")).length).toBe(clips - 1);
  expect(rejectedOf("poisoned")).toContainEqual({
    source: "captions.csv:5",
    ruleId: "quarantine",
    reason: "given up after 2 tries; the last one: the worker ended (SIGKILL)",
  });
});

describe("the same folder again", () => {
  test("decisions of a person thin it in seconds, without a clip made again", async () => {
    writeFileSync(
      at("decisions.json"),
      JSON.stringify({
        schema: "videoperceiver/decisions@1",
        decisions: {
          "captions.csv:2": { verdict: "reject", note: "too dark" },
          "captions.csv:4/describe-1": { verdict: "reject" },
          "captions.csv:3": { verdict: "accept" },
          "no such pair": { verdict: "reject" },
        },
      }),
    );
    const { status, stdout, stderr } = runCommand(
      ...args("one", "--decisions", at("decisions.json")),
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ resumedClips: clips + 1, pairs: clips - 2 });
    expect(stderr).toContain("1 decisions are about nothing in this data set: no such pair");
    expect(rejectedOf("one").filter(({ ruleId }) => ruleId === "decision")).toEqual([
      { source: "captions.csv:2/describe-1", ruleId: "decision", reason: "a person: too dark" },
      { source: "captions.csv:4/describe-1", ruleId: "decision", reason: "a person rejected it" },
    ]);
    expect(await validateDataset(at("one/set"), { clips: true })).toEqual([]);
    expect(readdirSync(join(at("one/set"), "clips")).length).toBe(clips - 2);
  });
  test("a set of which nothing is left ends with status 1 and one line, on the page of another set with a second one", () => {
    const all = Object.fromEntries(
      Array.from({ length: clips + 4 }, (_, at) => [`captions.csv:${at + 2}`, { verdict: "reject" }]),
    );
    const saved = { schema: "videoperceiver/decisions@1", dataset: "f".repeat(64), decisions: all };
    writeFileSync(at("none.json"), JSON.stringify(saved));
    const { status, stdout, stderr } = runCommand(...args("one", "--decisions", at("none.json")), "--json");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ description: { counts: { samples: 0 } } });
    expect(stderr).toMatch(
      /^warning: no sample came of it: everything was rejected \(.*decision 8.*\); reasons in rejected\.jsonl$/m,
    );
    expect(stderr).toMatch(
      /none\.json was saved on the page of the data set ffffffffffff, which is neither in /,
    );
  });
  test("without them everything is there again, and nothing that a killed process had begun", () => {
    const begun = ["rejected.jsonl.7.tmp", ".build/results/00000/00000001.json.7.3.tmp"];
    for (const file of begun) writeFileSync(join(at("one/set"), file), "half");
    expect(runCommand(...args("one")).status).toBe(0);
    expect(contents("one")).toEqual(undisturbed);
    for (const file of begun) expect(existsSync(join(at("one/set"), file))).toBe(false);
  });
  test("another build is refused there, with what is different", () => {
    const { status, stderr } = runCommand(...args("one", "--seed", "9"));
    expect(status).toBe(2);
    expect(stderr).toMatch(/^the folder holds another build: .*; got seed 0, now 9; give the same sources/m);
  });
  test("a data set is a source of another one, with the pairs that it has", async () => {
    expect(runCommand("build", at("one/set"), "--out", at("again/set"), "--store", "copy").status).toBe(0);
    const [first, again] = [await samplesOf("one"), await samplesOf("again")];
    expect(again.map(({ id, absent, answer }) => ({ id, absent, answer }))).toEqual(
      first.map(({ id, absent, answer }) => ({ id, absent, answer })),
    );
    expect(readDescription(at("again/set")).counts.rejected).toBe(0);
  });
});
