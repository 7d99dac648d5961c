import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clusteredAccuracy,
  clusteredMean,
  clusteredStandardError,
  naiveStandardError,
  wilsonInterval,
} from "../../src/evaluation/statistics/clustered.ts";
import { normalQuantile, studentQuantile } from "../../src/evaluation/statistics/distributions.ts";
import {
  mcNemar,
  pairedDifference,
  type QuestionScore,
  sensitivity,
} from "../../src/evaluation/statistics/paired.ts";

interface Clustered {
  readonly mean: number;
  readonly naive: number;
  readonly plain: number;
  readonly error: number;
  readonly low: number;
  readonly high: number;
  readonly wilsonLow: number;
  readonly wilsonHigh: number;
}
/** Made by scripts/make-golden/statistics.py from numpy and scipy formulas. */
const golden = JSON.parse(readFileSync(new URL("./expected/statistics.json", import.meta.url), "utf8")) as {
  readonly cases: readonly {
    readonly clusters: readonly string[];
    readonly complete: readonly number[];
    readonly absent: readonly number[];
    readonly control: readonly number[];
    readonly accuracy: Clustered;
    readonly difference: Clustered;
    readonly sensitivity: Clustered;
  }[];
  readonly wilson: readonly [number, number, number, number][];
  readonly mcnemar: readonly [number, number, number, number][];
  readonly student: readonly [number, number, number][];
  readonly normal: readonly [number, number][];
};
/** Double precision through a few dozen operations and a bisection that stops at 1e-14. */
const digits = 10;

test.each(golden.student)("Student quantile %d with %d degrees", (p, freedom, expected) => {
  expect(studentQuantile(p, freedom) / expected).toBeCloseTo(1, digits);
});

test.each(golden.normal)("normal quantile %d", (p, expected) => {
  expect(normalQuantile(p)).toBeCloseTo(expected, digits);
});

test.each(golden.wilson)("Wilson %d of %d", (right, total, low, high) => {
  const interval = wilsonInterval(right / total, total);
  expect(interval[0]).toBeCloseTo(low, digits);
  expect(interval[1]).toBeCloseTo(high, digits);
});

test.each(golden.mcnemar)("McNemar %d against %d", (b, c, exactP, midP) => {
  const result = mcNemar(b, c);
  expect(result.exactP).toBeCloseTo(exactP, digits);
  expect(result.midP).toBeCloseTo(midP, digits);
});

describe.each(golden.cases.map((given, index) => ({ index, given })))(
  "clustered case $index",
  ({ given }) => {
    const scores = (values: readonly number[]): QuestionScore[] =>
      values.map((score, i) => ({ questionId: `q${i}`, cluster: given.clusters[i]!, score }));
    const values = given.complete.map((value, i) => ({ value, cluster: given.clusters[i]! }));

    test("accuracy", () => {
      expect(clusteredStandardError(values)).toBeCloseTo(given.accuracy.plain, digits);
      expect(naiveStandardError(values)).toBeCloseTo(given.accuracy.naive, digits);
      const mean = clusteredMean(values)!;
      expect(mean.low).toBeCloseTo(given.accuracy.low, digits);
      expect(mean.high).toBeCloseTo(given.accuracy.high, digits);
      const accuracy = clusteredAccuracy(values)!;
      expect(accuracy.value).toBeCloseTo(given.accuracy.mean, digits);
      expect(accuracy.low).toBeCloseTo(given.accuracy.wilsonLow, digits);
      expect(accuracy.high).toBeCloseTo(given.accuracy.wilsonHigh, digits);
    });
    test("paired difference and sensitivity", () => {
      const [complete, absent, control] = [
        scores(given.complete),
        scores(given.absent),
        scores(given.control),
      ];
      for (const [estimate, expected] of [
        [pairedDifference(complete, absent)!, given.difference],
        [sensitivity(complete, absent, control)!, given.sensitivity],
      ] as const) {
        expect(estimate.value).toBeCloseTo(expected.mean, digits);
        expect(estimate.standardError).toBeCloseTo(expected.error, digits);
        expect(estimate.low).toBeCloseTo(Math.max(-1, expected.low), digits);
        expect(estimate.high).toBeCloseTo(Math.min(1, expected.high), digits);
      }
    });
  },
);
