import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  corpusTable,
  countReadings,
  readCorpus,
  realTable,
  scorers,
} from "../../../scripts/grading-accuracy.ts";
import { sharedFile, sharedMissing } from "../../shared-data.ts";

const docs = readFileSync(new URL("../../../docs/grading.md", import.meta.url), "utf8");
const corpus = readCorpus();
const strict = scorers.get("strict (ours)")!;

describe("the labelled corpus", () => {
  test("has what the docs say: several hundred completions, no two alike, most kept out of tuning at first", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(400);
    const keys = new Set(corpus.map(({ options, completion }) => JSON.stringify([options, completion])));
    expect(keys.size).toBe(corpus.length);
    const size = (set: string): number => corpus.filter((row) => row.set === set).length;
    expect(size("held-out") + size("opened")).toBeGreaterThan(size("tuning"));
    for (const { options, answer } of corpus)
      if (answer !== null) expect(answer.charCodeAt(0) - 65).toBeLessThan(options.length);
  });

  test.each(["held-out", "opened", "tuning"])(
    "%s: precision at least 0.995, coverage above every official scorer's",
    (set) => {
      const rows = corpus.filter((row) => row.set === set);
      const ours = countReadings(strict, rows);
      expect(ours.right / ours.credited).toBeGreaterThanOrEqual(0.995);
      for (const [name, credit] of scorers) {
        if (credit === strict) continue;
        expect(ours.right, name).toBeGreaterThan(countReadings(credit, rows).right);
      }
    },
  );

  test("the docs' table is the script's", () => {
    expect(docs).toContain(corpusTable());
  });
});

test.skipIf(sharedMissing("real prediction files beside the official scorers"))(
  "real files: the published ratings, every letter, and nothing out of descriptions",
  () => {
    const table = realTable(sharedFile("."));
    expect(table).toContain("| strict (ours) | 100.0 % | 100.0 % | 0.0 % |");
    expect(docs).toContain(table);
  },
);
