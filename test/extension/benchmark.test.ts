import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ScoreResult } from "../../src/jobs/score.ts";
import { pluginFile, runCommand } from "./run-command.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "benchmark-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a benchmark with a metric of its own is one file; its metric gets an interval and stands in the output", () => {
  const predictions = join(folder, "guesses.json");
  writeFileSync(
    predictions,
    JSON.stringify({ "toss-0": "A", "toss-1": "tails", "toss-2": "B", "toss-3": "tails" }),
  );
  const args = ["score", "coin-toss", "--annotations", "toss", "--predictions", predictions];
  const own = ["--plugin", pluginFile("coin-toss.ts")];
  const ended = runCommand(...args, ...own, "--json");
  expect(ended.stderr).toBe("");
  const result = JSON.parse(ended.stdout) as ScoreResult;
  expect(result).toMatchObject({ benchmark: "coin-toss", scored: 4, missing: 0, accuracy: { value: 0.25 } });
  const heads = result.metrics.find(({ name }) => name === "share-of-heads")!;
  expect(heads.value).toMatchObject({ value: 0.25, clusters: 4 });
  expect(heads.value!.low).toBe(0);
  expect(heads.value!.high).toBeGreaterThan(0.25);
  const text = runCommand(...args, ...own).stdout;
  expect(text).toMatch(/^ {2}share-of-heads +25\.0 \(0\.0-75\.0\)$/m);
  // Parameters of a plug-in from outside are read as its schema's types.
  const fewer = runCommand(...args.with(1, "coin-toss:questions=2"), ...own, "--json");
  expect(JSON.parse(fewer.stdout)).toMatchObject({
    scored: 2,
    unknown: 2,
    ids: { unknown: ["toss-2", "toss-3"] },
  });
});
