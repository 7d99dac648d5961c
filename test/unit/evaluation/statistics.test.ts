import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import { skillBaselines } from "../../../src/evaluation/statistics/baselines.ts";
import {
  bootstrapAggregates,
  clusterBootstrap,
  type Resampled,
  sortedQuantile,
} from "../../../src/evaluation/statistics/bootstrap.ts";
import {
  type ClusteredValue,
  clusteredAccuracy,
  clusteredMean,
  clusteredStandardError,
  naiveStandardError,
} from "../../../src/evaluation/statistics/clustered.ts";
import { holm } from "../../../src/evaluation/statistics/correction.ts";
import { excludesZero } from "../../../src/evaluation/statistics/estimate.ts";
import {
  detectableDifference,
  mcNemar,
  pairedDifference,
  type QuestionScore,
  sensitivity,
  signFlipTest,
} from "../../../src/evaluation/statistics/paired.ts";

const of = (values: readonly number[], clusters: readonly string[]): { value: number; cluster: string }[] =>
  values.map((value, i) => ({ value, cluster: clusters[i]! }));
const nine = of([1, 1, 1, 0, 0, 0, 1, 0, 1], [..."aaabbbccc"]);

test("published example: 111|000|101", () => {
  expect(naiveStandardError(nine)).toBeCloseTo(0.175682, 6);
  expect(clusteredStandardError(nine)).toBeCloseTo(0.240027, 6);
  expect(clusteredMean(nine)!.value).toBeCloseTo(0.555556, 6);
});

/** The mean of clustered values, as the bootstrap recomputes it. */
const meanOf = (items: readonly ClusteredValue[]): Resampled<ClusteredValue> => ({
  items,
  clusterOf: ({ cluster }) => cluster,
  aggregate: (drawn) => drawn.reduce((sum, { value }) => sum + value, 0) / drawn.length,
});

test("the bootstrap draws every sequence of clusters equally: exact enumeration of 1, 0, 1", () => {
  let call = 0;
  // Counts in base 3, so that 27 replicates of 3 draws see each sequence once.
  const counting = { integer: () => Math.floor(call / 3 / 3 ** (call++ % 3)) % 3 } as unknown as Random;
  const means = bootstrapAggregates(meanOf(of([1, 0, 1], ["a", "b", "c"])), 27, counting);
  const counts = [0, 1 / 3, 2 / 3, 1].map((mean) => means.filter((m) => Math.abs(m - mean) < 1e-12).length);
  expect(counts).toEqual([1, 6, 12, 8]);
  const centre = means.reduce((a, b) => a + b) / 27;
  expect(Math.sqrt(means.reduce((sum, m) => sum + (m - centre) ** 2, 0) / 27)).toBeCloseTo(0.272166, 6);
});

test("the bootstrap repeats with its seed and agrees with the analytic interval on many clusters", () => {
  const random = seededRandom("bootstrap test");
  const values = Array.from({ length: 300 }, (_, i) => ({
    cluster: `c${i >> 1}`,
    value: random.next() < 0.6 ? 1 : 0,
  }));
  const first = clusterBootstrap(meanOf(values), seededRandom(1), { replicates: 4000 })!;
  expect(clusterBootstrap(meanOf(values), seededRandom(1), { replicates: 4000 })).toEqual(first);
  const analytic = clusteredMean(values)!;
  expect(first.value).toBe(analytic.value);
  expect(first.standardError / analytic.standardError).toBeCloseTo(1, 1);
  expect(Math.abs(first.low - analytic.low)).toBeLessThan(0.01);
  expect(Math.abs(first.high - analytic.high)).toBeLessThan(0.01);
});

test("the bootstrap recomputes an aggregate that is no mean, and leaves out resamples that do not define it", () => {
  // The share of the first cluster's items: with clusters of 1 and 3 items a resample has 1, 1/4 or 0 of them.
  const items = of([1, 0, 0, 0], [..."abbb"]);
  const share = (drawn: readonly ClusteredValue[]): number | null =>
    drawn.every(({ value }) => value === 0)
      ? null
      : drawn.filter(({ value }) => value === 1).length / drawn.length;
  const resampled: Resampled<ClusteredValue> = {
    items,
    clusterOf: ({ cluster }) => cluster,
    aggregate: share,
  };
  const values = bootstrapAggregates(resampled, 400, seededRandom(2));
  expect([...new Set(values)].sort()).toEqual([0.25, 1]);
  expect(values.length).toBeGreaterThan(260);
  expect(values.length).toBeLessThan(340);
  expect(clusterBootstrap(resampled, seededRandom(2))).toMatchObject({
    value: 0.25,
    low: 0.25,
    high: 1,
    clusters: 2,
  });
  expect(clusterBootstrap({ ...resampled, items: items.slice(1) }, seededRandom(2))).toBeNull();
});

test("quantiles are numpy's", () => {
  const sorted = Float64Array.of(1, 2, 4, 8);
  expect([0, 0.25, 0.5, 1].map((p) => sortedQuantile(sorted, p))).toEqual([1, 1.75, 3, 8]);
});

const scored = fc
  .array(fc.tuple(fc.nat(5), fc.boolean(), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 40 })
  .map((rows) => {
    const side = (at: 1 | 2 | 3): QuestionScore[] =>
      rows.map((row, i) => ({ questionId: `q${i}`, cluster: `c${row[0]}`, score: row[at] ? 1 : 0 }));
    return { a: side(1), b: side(2), c: side(3) };
  });

test("intervals hold their value, stay in bounds, ignore order and never collapse for an accuracy", () => {
  fc.assert(
    fc.property(scored, ({ a }) => {
      const values = a.map(({ cluster, score }) => ({ cluster, value: score }));
      for (const make of [clusteredAccuracy, (v: typeof values) => clusteredMean(v, { bounds: [0, 1] })]) {
        const estimate = make(values)!;
        expect(estimate.low).toBeLessThanOrEqual(estimate.value + 1e-12);
        expect(estimate.high).toBeGreaterThanOrEqual(estimate.value - 1e-12);
        expect(estimate.low).toBeGreaterThanOrEqual(0);
        expect(estimate.high).toBeLessThanOrEqual(1);
        expect(make([...values].reverse())!.low).toBeCloseTo(estimate.low, 12);
      }
      const accuracy = clusteredAccuracy(values)!;
      expect(accuracy.high - accuracy.low).toBeGreaterThan(0);
    }),
  );
  expect(clusteredAccuracy([])).toBeNull();
});

test("one cluster says nothing: the interval is everything", () => {
  expect(clusteredMean(of([1, 0], ["a", "a"]), { bounds: [-1, 1] })).toMatchObject({ low: -1, high: 1 });
});

test("a paired difference turns round with its sides and is 0 against itself", () => {
  fc.assert(
    fc.property(scored, ({ a, b }) => {
      const there = pairedDifference(a, b)!;
      const back = pairedDifference(b, a)!;
      expect(there.value).toBeCloseTo(-back.value, 12);
      expect(there.low).toBeCloseTo(-back.high, 12);
      expect(pairedDifference(a, a)!.value).toBe(0);
      expect(excludesZero(pairedDifference(a, a)!)).toBe(false);
    }),
  );
  expect(pairedDifference([], [])).toBeNull();
});

describe("sensitivity", () => {
  const rights = (right: number, prefix = 100): QuestionScore[] =>
    Array.from({ length: prefix }, (_, i) => ({
      questionId: `q${i}`,
      cluster: `c${i}`,
      score: i < right ? 1 : 0,
    }));
  test("worked example: full 70, evidence removed 45, random removed 66 of 100 gives .25 - .04 = .21", () => {
    const estimate = sensitivity(rights(70), rights(45), rights(66))!;
    expect(estimate.value).toBeCloseTo(0.21, 12);
    expect(excludesZero(estimate)).toBe(true);
  });
  test("repeated draws of the control are averaged per question before anything else", () => {
    const once = sensitivity(rights(70), rights(45), [...rights(60), ...rights(72)])!;
    expect(once.value).toBeCloseTo(0.21, 12);
    expect(once.questions).toBe(100);
  });
  test("it is 0 when removing the decisive frames and removing others are the same", () => {
    expect(sensitivity(rights(70), rights(50), rights(50))!.value).toBe(0);
    expect(sensitivity(rights(70), rights(50), [])).toBeNull();
  });
  test("equals the difference of control and absent over the common questions", () => {
    fc.assert(
      fc.property(scored, ({ a, b, c }) => {
        expect(sensitivity(a, b, c)!.value).toBeCloseTo(pairedDifference(c, b)!.value, 12);
      }),
    );
  });
});

test("McNemar, published pairs", () => {
  expect(mcNemar(10, 2).exactP).toBeCloseTo(0.038574, 6);
  expect(mcNemar(10, 2).midP).toBeCloseTo(0.022461, 6);
  expect(mcNemar(60, 40).exactP).toBeCloseTo(0.056888, 6);
  expect(mcNemar(0, 0)).toEqual({ exactP: 1, midP: 1 });
});

test("sign flips: ten paired items give .25 exactly; seeded draws agree with enumeration", () => {
  const a = [1, 1, 0, 1, 0, 1, 1, 0, 1, 1];
  const b = [1, 0, 0, 1, 0, 0, 1, 0, 1, 0];
  const differences = a.map((value, i) => ({ cluster: `c${i}`, value: value - b[i]! }));
  expect(signFlipTest(differences, seededRandom(1))).toBe(0.25);
  expect(signFlipTest([{ cluster: "a", value: 0 }], seededRandom(1))).toBe(1);
  const many = Array.from({ length: 40 }, (_, i) => ({ cluster: `c${i}`, value: i % 4 === 0 ? -1 : 1 }));
  const p = signFlipTest(many, seededRandom(2));
  expect(p).toBeLessThan(0.01);
  expect(signFlipTest(many, seededRandom(2))).toBe(p);
});

test("corrections for several tests", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (p) => {
      const strict = holm(p);
      p.forEach((value, i) => {
        expect(strict[i]!).toBeGreaterThanOrEqual(value);
        // Never stricter than Bonferroni's.
        expect(strict[i]!).toBeLessThanOrEqual(Math.min(1, value * p.length));
      });
    }),
  );
});

test("detectable difference", () => {
  expect(detectableDifference(1000, 0.2)).toBeCloseTo(0.0396, 4);
  expect(detectableDifference(4018, 0.2)).toBeCloseTo(0.0198, 4);
});

test("baselines that never look: learned on training, scored on held-out questions", () => {
  const question = (skill: string, answer: string, options?: string[]) => ({
    skill,
    answer,
    ...(options && { options }),
  });
  const training = [
    question("when", "first"),
    question("when", "first"),
    question("when", "last"),
    question("who", "red", ["red", "blue"]),
  ];
  const held = [
    question("when", "first"),
    question("when", "last"),
    question("who", "blue", ["red", "blue"]),
    question("who", "red", ["red", "blue"]),
  ];
  expect(skillBaselines(training, held)).toEqual([
    { skill: "when", questions: 2, chance: 0.5, majority: 0.5 },
    { skill: "who", questions: 2, chance: 0.5, majority: 0.5 },
  ]);
  expect(
    skillBaselines(
      [question("when", "a"), question("when", "b")],
      [question("when", "a"), question("when", "a")],
    ),
  ).toEqual([{ skill: "when", questions: 2, chance: 0.5, majority: 0.5 }]);
  // Nothing was learned: counted on the asked questions themselves it would be 1 for options of their own.
  const unlearned = [
    question("what", "falls", ["falls", "rises"]),
    question("what", "opens", ["opens", "shuts"]),
    question("whether", "yes", ["yes", "no"]),
    question("whether", "no", ["no", "yes"]),
  ];
  expect(skillBaselines([], unlearned)).toEqual([
    { skill: "what", questions: 2, chance: 0.5, majority: null },
    { skill: "whether", questions: 2, chance: 0.5, majority: 0.5 },
  ]);
});
