import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import compareCommand from "../../../src/cli/commands/compare.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import { compareRuns, type RunDifference, verdictOf } from "../../../src/evaluation/compare/compare-runs.ts";
import { itemsOf } from "../../../src/evaluation/compare/items.ts";
import { type EvaluationRecord, writeRecord } from "../../../src/evaluation/records.ts";
import { questionsNeeded } from "../../../src/evaluation/statistics/paired.ts";
import { compare } from "../../../src/jobs/compare.ts";
import { recordOf } from "../../contract/record-fixture.ts";

const context = { progress: () => silentProgress, signal: new AbortController().signal, warn: () => {} };
const asked = { view: "complete", mode: "strict", seed: 0 } as const;

/** Answers to 100 questions about 50 clips; `right` says which are right. */
const answers = (subject: string, right: (i: number) => boolean, view = "complete"): EvaluationRecord[] =>
  Array.from({ length: 100 }, (_, i) =>
    recordOf({
      questionId: `q${i}`,
      videoId: `v${i >> 1}`,
      subject,
      prompt: `question ${i}`,
      intervention: { name: view, params: {} },
      correct: right(i),
      outcome: right(i) ? "right" : "wrong",
    }),
  );
const good = { name: "good", records: answers("good", (i) => i < 80) };
const weak = { name: "weak", records: answers("weak", (i) => i < 60 || i >= 90) };

test("the difference, its interval, McNemar and Holm are those of the same questions", () => {
  const { rows, differences, cautions } = compareRuns([weak, good], asked);
  expect(rows.map(({ name, accuracy }) => [name, accuracy.value])).toEqual([
    ["weak", 0.7],
    ["good", 0.8],
  ]);
  const [one] = differences;
  expect(one).toMatchObject({
    of: "good",
    against: "weak",
    disagreement: { onlyFirst: 20, onlySecond: 10 },
    notCommon: 0,
  });
  expect(one!.difference).toMatchObject({ questions: 100, clusters: 50 });
  expect(one!.difference.value).toBeCloseTo(0.1, 12);
  // 20 : 10 of 30 discordant questions; the exact binomial mid-p.
  expect(one!.disagreement.midP).toBeCloseTo(0.0707, 3);
  expect(cautions).toEqual([]);
});

test("a benchmark's own metrics are compared over the same clips, where nobody is right", async () => {
  const told = (subject: string, text: (i: number) => string): EvaluationRecord[] =>
    Array.from({ length: 40 }, (_, i) =>
      recordOf({
        ...{ questionId: `q${i}`, videoId: `v${i >> 1}`, subject, benchmark: "vru-accident-captions" },
        ...{
          answerKind: "open",
          gold: `a red car number ${i} hits the cyclist`,
          correct: false,
          outcome: "wrong",
        },
        rawOutput: text(i),
        parsedAnswer: null,
        scoreStrict: 0,
      }),
    );
  const files = [
    told("near", (i) => `a red car number ${i} stops`),
    told("far", (i) => (i % 2 === 0 ? "a red car" : `car ${i}`)),
  ].map((records, at) => {
    const file = join(folder, `told-${at}.jsonl`);
    writeFileSync(file, records.map(writeRecord).join("\n"));
    return file;
  });
  const page = join(folder, "told.html");
  const request = { ...asked, runs: files, items: 5, pictures: 0, page };
  const { differences, headline } = await compare(request, context);
  expect(headline).toBe("meteor-nltk");
  const [{ difference, metrics }] = differences as [(typeof differences)[number]];
  expect(difference.value).toBe(0);
  expect(metrics.map(({ name }) => name)).toEqual(["meteor-nltk", "rouge:1", "rouge:2", "rouge:L"]);
  const rouge = metrics[1]!.difference!;
  expect(rouge).toMatchObject({ questions: 40, clusters: 20 });
  // "far" shares 3 of 3 and 8, or 2 of 2 and 8 words; "near" 5 of 6 and 8.
  const f1 = (hits: number, said: number): number => (2 * hits) / (said + 8);
  expect(rouge.value).toBeCloseTo((f1(3, 3) + f1(2, 2)) / 2 - f1(5, 6), 12);
  expect(rouge.high).toBeLessThan(0);
  expect(rouge.low).toBeLessThanOrEqual(rouge.value);
  const shown = readFileSync(page, "utf8");
  expect(shown).toContain("far is worse than near by meteor-nltk.");
  for (const word of ["points</b> right", "Accuracy", "right in one only", "McNemar", "smallest difference"])
    expect(shown).not.toContain(word);
  const { text } = await compareCommand.run(
    [files],
    { ...request, page: undefined },
    { ...context, json: false },
  );
  expect(text).toContain("meteor-nltk");
  for (const word of ["per cent right", "points right", "0.0 points", "McNemar"])
    expect(text).not.toContain(word);
});

test("a difference that the corrected test leaves open is not called one, on the page or in the terminal", async () => {
  const folder = mkdtempSync(join(tmpdir(), "compare-weak-"));
  // Four clips that all say the same: the interval has no width, but 2 of 16 sign flips are as far from 0.
  const files = (["all", "half"] as const).map((subject) => {
    const records = Array.from({ length: 20 }, (_, i) => {
      const correct = subject === "all" || i % 2 === 0;
      return recordOf({
        ...{ questionId: `q${i}`, videoId: `v${(i % 4) >> 1}${(i % 8) >> 2}`, subject, correct },
        outcome: correct ? "right" : "wrong",
      });
    });
    const file = join(folder, `${subject}.jsonl`);
    writeFileSync(file, `${records.map(writeRecord).join("\n")}\n`);
    return file;
  });
  const page = join(folder, "page.html");
  const options = { view: "complete", mode: "strict", seed: 0, items: 10, pictures: 0, page };
  const { json, text } = await compareCommand.run([files], options, { ...context, json: false });
  const [one] = (json as { differences: readonly RunDifference[] }).differences;
  expect(one!.difference.high).toBeLessThan(0);
  expect(one!.adjustedP).toBeGreaterThan(0.05);
  expect(text).toContain("a difference that is not firm after Holm's correction");
  const html = readFileSync(page, "utf8");
  expect(html).toContain("half looks worse than all; after Holm&#39;s correction this is not firm.");
  expect(html).toContain('<p class="unsure">');
  rmSync(folder, { recursive: true });
});

test("less is better where the metric says so", () => {
  const difference = { value: 2, low: 1, high: 3, standardError: 1, questions: 1, clusters: 1 };
  const one = { metrics: [{ name: "error", unit: "number", digits: 3, moreIsBetter: false, difference }] };
  expect(verdictOf(one as unknown as RunDifference, "error")).toEqual({ value: -2, low: -3, high: -1 });
});

test("questions needed grow with the square of how much smaller the difference is than what shows", () => {
  expect(questionsNeeded(0.1, 100, 0.2)).toBe(400);
  expect(questionsNeeded(-0.2, 100, 0.1)).toBe(25);
  expect(questionsNeeded(0, 100, 0.1)).toBeNull();
});

test("three runs are compared pair by pair, together by Holm", () => {
  const third = { name: "third", records: answers("third", (i) => i % 2 === 0) };
  const { differences } = compareRuns([weak, good, third], asked);
  expect(differences.map(({ of, against }) => `${of} ${against}`)).toEqual([
    "good weak",
    "third weak",
    "third good",
  ]);
  const alone = compareRuns([good, third], asked).differences[0]!;
  expect(differences[2]!.adjustedP).toBeGreaterThanOrEqual(alone.adjustedP);
});

test("what cannot be compared is refused, what should not be is said", () => {
  const other = answers("other", () => true).map((record) => ({ ...record, benchmark: "mvbench" }));
  expect(() => compareRuns([good, { name: "other", records: other }], asked)).toThrow("different benchmarks");
  const apart = good.records.map((record) => ({ ...record, questionId: `x${record.questionId}` }));
  expect(() => compareRuns([good, { name: "apart", records: apart }], asked)).toThrow(
    "without a common question",
  );
  expect(() => compareRuns([good, weak], { ...asked, view: "absent" })).toThrow('shown as "absent"');
  const newer = weak.records.map((record) => ({ ...record, benchmarkVersion: "2" }));
  expect(compareRuns([good, { name: "newer", records: newer }], asked).cautions[0]).toContain(
    "different annotations",
  );
  const half = { name: "half", records: weak.records.slice(0, 50) };
  expect(compareRuns([good, half], asked).differences[0]).toMatchObject({ notCommon: 50 });
});

test("questions are tagged by what tells runs and views apart", () => {
  const looking = {
    name: "looking",
    records: [
      ...answers("looking", () => true),
      ...answers("looking", (i) => i % 2 === 0, "absent"),
      ...answers("looking", () => true, "random-removal"),
      ...answers("looking", (i) => i === 4, "blind"),
    ],
  };
  const items = itemsOf([looking]);
  expect(items.length).toBe(100);
  const tagsOf = (id: string) => items.find((item) => item.id === id)!.tags;
  expect(tagsOf("q1")).toContain("right on the clip, wrong on the twin");
  expect(tagsOf("q1")).toContain("hangs on the decisive frames alone");
  expect(tagsOf("q4")).toEqual([
    "right on the clip",
    "right on the clip, right on the twin",
    "right without pictures",
  ]);
  expect(items.slice(0, 50).every(({ tags }) => tags.includes("right on the clip, wrong on the twin"))).toBe(
    true,
  );
  expect(itemsOf([good, weak]).find(({ id }) => id === "q70")!.tags[0]).toBe("good right, weak wrong");
});

test("captions, which nobody gets right or wrong, have no such tags; a missing one is still found", () => {
  const caption = (questionId: string, outcome: EvaluationRecord["outcome"]): EvaluationRecord =>
    recordOf({ questionId, answerKind: "open", correct: false, outcome });
  const told = { name: "told", records: [caption("a", "wrong"), caption("b", "missing")] };
  expect(itemsOf([told]).map(({ id, tags }) => [id, ...tags])).toEqual([["b", "missing"], ["a"]]);
  const graded = { ...told, records: [...told.records, { ...caption("c", "right"), correct: true }] };
  expect(itemsOf([graded]).find(({ id }) => id === "a")!.tags).toContain("wrong on the clip");
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "compare-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("two files of one subject are told apart, and the page holds every question, escaped", async () => {
  const write = (name: string, records: readonly EvaluationRecord[]): string => {
    const file = join(folder, name);
    writeFileSync(file, `${records.map(writeRecord).join("\n")}\n`);
    return file;
  };
  const nasty = good.records.map((record) => ({ ...record, rawOutput: "<script>alert(1)</script>" }));
  const one = write("one.jsonl", nasty);
  const two = write(
    "two.jsonl",
    answers("good", (i) => i < 60),
  );
  const page = join(folder, "page.html");
  const result = await compare(
    { runs: [one, two], view: "complete", mode: "strict", seed: 0, page, items: 90, pictures: 0 },
    context,
  );
  expect(result.rows.map(({ name }) => name)).toEqual(["good (one.jsonl)", "good (two.jsonl)"]);
  const text = readFileSync(page, "utf8");
  expect(text.match(/<article class="item"/g)!.length).toBe(90);
  expect(text).toContain("90 of 100 questions");
  expect(text).not.toContain("<script>alert");
  expect(text).toContain("is worse than");
  expect(text).toContain("points</b> right");
  expect(text).toContain("Accuracy in per cent");
});
