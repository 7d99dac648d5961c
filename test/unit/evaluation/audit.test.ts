import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { annotatedSample } from "../../../src/evaluation/annotation.ts";
import { auditSamples } from "../../../src/evaluation/audit/audit.ts";
import type { BenchmarkSample } from "../../../src/evaluation/benchmarks.ts";
import { audit } from "../../../src/jobs/audit.ts";
import { sharedFile, sharedMissing } from "../../shared-data.ts";

const folder = mkdtempSync(join(tmpdir(), "audit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const question = (at: number, options: readonly string[], answer: string): BenchmarkSample =>
  annotatedSample("made", {
    id: `q${at}`,
    video: `s${at % 2}/v${at}.mp4`,
    question: `What is in clip ${at}?`,
    answer,
    answerKind: "choice",
    options,
  });
const guess = (samples: readonly BenchmarkSample[], name: string): number =>
  auditSamples(samples, 0).guessers.find((one) => one.name === name)!.accuracy.value;

describe("guessers that see texts only", () => {
  test("an answer that is always the same text is guessed; what was never seen is chance", () => {
    const given = Array.from({ length: 40 }, (_, at) =>
      question(at, at % 2 === 0 ? ["urban", "coast"] : ["coast", "urban"], at % 2 === 0 ? "A" : "B"),
    );
    expect(guess(given, "text prior, by clip")).toBe(1);
    expect(guess(given, "text prior, by source")).toBe(1);
    const unseen = Array.from({ length: 40 }, (_, at) => question(at, [`a${at}`, `b${at}`], "A"));
    expect(guess(unseen, "text prior, by clip")).toBe(0.5);
    expect(guess(unseen, "majority letter")).toBe(1);
  });
  test("an answer is never learnt from its own clip", () => {
    const twice = Array.from({ length: 20 }, (_, at) => [
      question(at, [`only ${at}`, `other ${at}`], "A"),
      { ...question(at, [`only ${at}`, `other ${at}`], "A"), id: `again ${at}` },
    ]).flat();
    const found = auditSamples(twice, 0);
    expect(found.guessers[0]!.accuracy.value).toBe(0.5);
    expect(found.duplicates.sameClip).toHaveLength(20);
  });
  test("the longest option, ties shared; questions without texts or answers are left out by name", () => {
    const rows = [
      question(0, ["long one", "no"], "A"),
      question(1, ["no", "at"], "A"),
      { ...question(2, ["x", "yy"], "A"), answer: null },
      question(3, ["A", "B"], "A"),
    ];
    const found = auditSamples(rows, 0);
    expect(found.guessers.find(({ name }) => name === "longest option")!.accuracy.value).toBe(0.75);
    expect(found).toMatchObject({
      audited: 2,
      leftOut: { "without published answer": 1, "no choice": 0, "letters only": 1 },
    });
  });
});

test.skipIf(sharedMissing("audit of VRU-Accident"))(
  "VRU-Accident's text prior stands in the page's first lines",
  async () => {
    const page = join(folder, "vru.html");
    const found = await audit({
      benchmark: "vru-accident",
      annotations: sharedFile("data/benchmarks/vru-accident"),
      seed: 0,
      page,
    });
    const [byClip, bySource] = found.guessers.map(({ accuracy }) => accuracy.value);
    expect(byClip).toBeGreaterThan(0.915);
    expect(byClip).toBeLessThan(0.935);
    expect(bySource).toBeGreaterThan(0.865);
    expect(bySource).toBeLessThan(0.89);
    const html = readFileSync(page, "utf8");
    expect(found.headline).toMatch(/^92\.\d % .* learnt on other sources only, 87\.\d %/);
    expect(html.slice(html.indexOf("<header>"), html.indexOf("</header>"))).toContain(found.headline);
  },
);
