import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { metricRegistry } from "../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../src/evaluation/records.ts";
import type { AnswerKind } from "../../src/grading/grade-answer.ts";
import { recordOf } from "./record-fixture.ts";

/** A reference of a kind, and an answer that is read. */
const samplesOfKind: Readonly<Partial<Record<AnswerKind, readonly [gold: string, said: string]>>> = {
  number: ["4", "5"],
  span: ["0 - 4", "1 - 6"],
  "ranked-spans": ["0 - 4\n6 - 9", "1 - 4 (0.5)\n6 - 8 (0.9)"],
};

const recordOfKind = (kind: AnswerKind): fc.Arbitrary<EvaluationRecord> =>
  fc
    .record({
      skill: fc.constantFrom("a", "b", "c"),
      correct: fc.boolean(),
      read: fc.boolean(),
      finishReason: fc.constantFrom("stop" as const, "length" as const, "error" as const, "timeout" as const),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      text: fc.constantFrom("", "B"),
    })
    .map(({ skill, correct, read, finishReason, score, text }) => {
      const [gold, said] = samplesOfKind[kind] ?? ["B", "B"];
      const lost = finishReason === "error" || finishReason === "timeout";
      return recordOf({
        skill,
        answerKind: kind,
        gold: gold,
        rawOutput: text === "" ? "" : said,
        finishReason,
        error: lost ? "failed" : null,
        parsedAnswer: read ? said : null,
        outcome: lost ? "failed" : correct ? "right" : "wrong",
        correct,
        scoreStrict: correct ? 1 : score,
        external: { events: { version: "1", values: { precision: score, recall: correct ? 1 : 0 } } },
      });
    });

/** Metrics that work without a file; those that need one have tests of their own. */
const names = (
  await Promise.all(
    metricRegistry
      .names()
      .map(async (name) => ((await metricRegistry.load(name)).params.safeParse({}).success ? [name] : [])),
  )
).flat();

describe.each(names)("metric %s", (name) => {
  test("lies in its range, ignores the order of records, and is undefined for none and for answers of other kinds", async () => {
    const { value: metric } = await metricRegistry.make(name);
    const { scale, kinds } = await metricRegistry.load(name);
    const most = scale === undefined || scale.unit === "share" ? 1 : Math.max(scale.best, 10);
    expect(metric([])).toBeNull();
    if (kinds !== undefined) expect(metric([recordOf({ answerKind: "choice" })])).toBeNull();
    fc.assert(
      fc.property(
        fc.array(recordOfKind(kinds?.[0] ?? "open"), { minLength: 1, maxLength: 30 }),
        (records) => {
          const value = metric(records)!;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(most);
          expect(metric([...records].reverse())!).toBeCloseTo(value, 12);
        },
      ),
    );
  });
});

test("macro accuracy weighs skills alike, plain accuracy weighs questions alike", async () => {
  const [base] = fc.sample(recordOfKind("open"), 1);
  const row = (skill: string, correct: boolean): EvaluationRecord => ({ ...base!, skill, correct });
  const records = [row("a", true), row("a", true), row("a", true), row("b", false)];
  expect((await metricRegistry.make("accuracy")).value(records)).toBe(0.75);
  expect((await metricRegistry.make("macro-accuracy")).value(records)).toBe(0.5);
});
