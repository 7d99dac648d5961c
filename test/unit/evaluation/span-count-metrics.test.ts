import { expect, test } from "vitest";
import { metricRegistry } from "../../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../../src/evaluation/records.ts";
import { gradeAnswer } from "../../../src/grading/grade-answer.ts";
import { recordOf } from "../../contract/record-fixture.ts";

const graded = (answerKind: EvaluationRecord["answerKind"], gold: string, said: string): EvaluationRecord => {
  const { correct, score, parsed } = gradeAnswer({ answerKind, answer: gold, completion: said });
  return recordOf({ answerKind, gold, rawOutput: said, parsedAnswer: parsed, correct, scoreStrict: score });
};
const value = async (metric: string, records: readonly EvaluationRecord[]): Promise<number | null> =>
  (await metricRegistry.choose(metric)).value(records);

test("spans: intersection over union, its mean, and shares that reach a threshold", async () => {
  const rows = [
    graded("span", "10 - 20", "15 - 25"),
    graded("span", "10 - 20", "12 - 18"),
    graded("span", "10 - 20", "20 - 30"),
    graded("span", "0 - 10", "0 - 100"),
    graded("span", "10 - 20", "8 - 17"),
    graded("span", "10 - 20", "I cannot tell"),
  ];
  expect(await value("mean-iou", rows)).toBeCloseTo((1 / 3 + 0.6 + 0 + 0.1 + 7 / 12 + 0) / 6, 12);
  expect(await value("recall-at-iou:0.3", rows)).toBe(0.5);
  expect(await value("recall-at-iou:0.5", rows)).toBeCloseTo(2 / 6, 12);
  expect(await value("recall-at-iou:0.7", rows)).toBe(0);
});

test("several references: the first ranked span is compared with the nearest one; all of them make mAP", async () => {
  const row = graded("ranked-spans", "0 - 10\n50 - 60", "48 - 60 (0.9)\n0 - 10 (0.4)\n20 - 30 (0.1)");
  expect(row.scoreStrict).toBeCloseTo(10 / 12, 12);
  expect(await value("mean-average-precision:0.5", [row])).toBe(1);
  expect(await value("mean-average-precision:0.9", [row])).toBeCloseTo(0.25, 12);
  // Confidence decides the order, not the line.
  const turned = graded("ranked-spans", "0 - 10", "20 - 30 (0.9)\n0 - 10 (0.95)");
  expect(await value("mean-average-precision:0.5", [turned])).toBe(1);
});

test("mean relative accuracy of VSI-Bench, in doubles", async () => {
  const goldens = [
    [5, 5, 1],
    [4.5, 5, 0.9],
    [4, 5, 0.6],
    [6, 5, 0.6],
    [2.5, 5, 0.1],
    [8, 5, 0],
    [3, 4, 0.6],
    [2, 3, 0.4],
    [10, 9, 0.8],
    [1.9, 2, 1],
    [0, 2, 0],
  ] as const;
  for (const [said, right, expected] of goldens)
    expect(
      await value("mean-relative-accuracy", [graded("number", String(right), String(said))]),
      `${said} for ${right}`,
    ).toBeCloseTo(expected, 12);
  expect(await value("mean-relative-accuracy", [graded("number", "3", "no idea")])).toBe(0);
});

test("counts: errors by three conventions, and at most one off", async () => {
  const rows = (
    [
      [3, 3],
      [5, 7],
      [10, 9],
      [1, 1],
      [0, 1],
    ] as const
  ).map(([gold, said]) => graded("number", String(gold), String(said)));
  expect(await value("count-error", rows)).toBeCloseTo(0.8, 12);
  expect(await value("count-error:transrac", rows)).toBeCloseTo(2.098233, 6);
  expect(await value("count-error:countix", rows)).toBeCloseTo(0.125, 12);
  expect(await value("off-by-one", rows)).toBe(0.8);
  const unread = [graded("number", "4", "many"), graded("number", "1", "many")];
  expect(await value("count-error:countix", unread)).toBe(1);
  expect(await value("off-by-one", unread)).toBe(0);
});
