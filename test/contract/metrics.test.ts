import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { metricRegistry } from "../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../src/evaluation/records.ts";
import { recordOf } from "./record-fixture.ts";

const record: fc.Arbitrary<EvaluationRecord> = fc
  .record({
    skill: fc.constantFrom("a", "b", "c"),
    correct: fc.boolean(),
    read: fc.boolean(),
    finishReason: fc.constantFrom("stop" as const, "length" as const, "error" as const, "timeout" as const),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    text: fc.constantFrom("", "B"),
  })
  .map(({ skill, correct, read, finishReason, score, text }) => {
    const lost = finishReason === "error" || finishReason === "timeout";
    return recordOf({
      skill,
      answerKind: "open",
      rawOutput: text,
      finishReason,
      error: lost ? "failed" : null,
      parsedAnswer: read ? "B" : null,
      outcome: lost ? "failed" : correct ? "right" : "wrong",
      correct,
      scoreStrict: correct ? 1 : score,
    });
  });

describe.each(metricRegistry.names())("metric %s", (name) => {
  test("lies in [0, 1], ignores the order of records, and is undefined for none", async () => {
    const { value: metric } = await metricRegistry.make(name);
    expect(metric([])).toBeNull();
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const value = metric(records)!;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(metric([...records].reverse())!).toBeCloseTo(value, 12);
      }),
    );
  });
});

test("macro accuracy weighs skills alike, plain accuracy weighs questions alike", async () => {
  const [base] = fc.sample(record, 1);
  const row = (skill: string, correct: boolean): EvaluationRecord => ({ ...base!, skill, correct });
  const records = [row("a", true), row("a", true), row("a", true), row("b", false)];
  expect((await metricRegistry.make("accuracy")).value(records)).toBe(0.75);
  expect((await metricRegistry.make("macro-accuracy")).value(records)).toBe(0.5);
});
