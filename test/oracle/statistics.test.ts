import { beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { clusterBootstrap } from "../../src/evaluation/statistics/bootstrap.ts";
import { holm } from "../../src/evaluation/statistics/correction.ts";
import { detectableDifference, mcNemar, questionsNeeded } from "../../src/evaluation/statistics/paired.ts";
import { oracleMissing, runPython } from "./python.ts";

interface Item {
  readonly value: number;
  readonly skill: string;
  readonly cluster: string;
}
interface Reference {
  readonly mcnemar: readonly (readonly [number, number])[];
  readonly p: readonly (readonly number[])[];
  readonly bootstrap: { readonly low: number; readonly high: number; readonly error: number };
  readonly power: readonly number[];
}

const random = seededRandom(14, "statistics");
/** Clips of one to five questions, alike within a clip, in three skills of different size. */
const items: Item[] = Array.from({ length: 80 }, (_, clip) => {
  const ease = random.next();
  return Array.from({ length: 1 + random.integer(5) }, (): Item => {
    const skill = ["a", "a", "a", "b", "b", "c"][random.integer(6)]!;
    return { value: random.next() < ease ? 1 : 0, skill, cluster: `clip-${clip}` };
  });
}).flat();
/** Mean of the skills' means: not the mean over questions. */
const macro = (rows: readonly Item[]): number => {
  const means = [...Map.groupBy(rows, ({ skill }) => skill).values()].map(
    (some) => some.reduce((sum, { value }) => sum + value, 0) / some.length,
  );
  return means.reduce((sum, one) => sum + one, 0) / means.length;
};

const pairs: (readonly [number, number])[] = [
  ...Array.from({ length: 31 }, (_, b) => Array.from({ length: 31 }, (_, c) => [b, c] as const)).flat(),
  [60, 40],
  [612, 540],
  [0, 900],
  [2000, 2001],
];
const tests = [
  [0.01, 0.04, 0.03, 0.005],
  [0.5],
  [0.04, 0.04, 0.04],
  [1, 0.2, 0.0001, 0.7, 0.02],
  Array.from({ length: 9 }, () => random.next() ** 3),
];
const claims = [
  { discordant: 0.2, difference: 0.03 },
  { discordant: 0.3, difference: 0.05 },
  { discordant: 0.1, difference: 0.02 },
  { discordant: 0.4, difference: 0.08 },
].map((one) => {
  const here = 1000;
  const questions = questionsNeeded(one.difference, here, detectableDifference(here, one.discordant))!;
  return { ...one, questions };
});

describe.skipIf(oracleMissing("statistics against NumPy"))(
  "statistics equal NumPy's, and what their definitions say",
  () => {
    let reference: Reference;
    beforeAll(async () => {
      const columns = {
        value: items.map(({ value }) => value),
        skill: items.map(({ skill }) => skill),
        cluster: items.map(({ cluster }) => cluster),
      };
      const asked = { mcnemar: pairs, p: tests, bootstrap: columns, power: claims };
      reference = JSON.parse(
        await runPython("plain", "test/oracle/statistics_reference.py", [], JSON.stringify(asked)),
      ) as Reference;
    }, 120_000);
    test("McNemar's exact and mid p, 965 pairs", () => {
      pairs.forEach(([b, c], at) => {
        const { exactP, midP } = mcNemar(b, c);
        const [exact, mid] = reference.mcnemar[at]!;
        expect(Math.abs(exactP - exact), `${b} ${c}`).toBeLessThan(1e-9 * Math.max(exact, 1e-3));
        expect(Math.abs(midP - mid), `mid ${b} ${c}`).toBeLessThan(1e-9 * Math.max(mid, 1e-3));
      });
    });
    test("Holm is closed testing by Bonferroni", () => {
      tests.forEach((p, at) => {
        holm(p).forEach((adjusted, i) => {
          expect(adjusted).toBeCloseTo(reference.p[at]![i]!, 12);
        });
      });
    });
    test("the cluster bootstrap of an aggregate that is no mean", () => {
      const made = clusterBootstrap(
        { items, clusterOf: ({ cluster }) => cluster, aggregate: macro },
        seededRandom(1, "bootstrap"),
        { replicates: 20_000 },
      )!;
      const { low, high, error } = reference.bootstrap;
      // Two draws of 20,000: their quantiles differ by some 0.0008 (one standard error).
      expect(Math.abs(made.low - low)).toBeLessThan(0.004);
      expect(Math.abs(made.high - high)).toBeLessThan(0.004);
      expect(made.standardError / error).toBeGreaterThan(0.97);
      expect(made.standardError / error).toBeLessThan(1.03);
      // The number of questions alone would give another interval.
      const alone = clusterBootstrap(
        {
          items: items.map((one, at) => ({ ...one, cluster: String(at) })),
          clusterOf: ({ cluster }) => cluster,
          aggregate: macro,
        },
        seededRandom(1, "bootstrap"),
        { replicates: 4000 },
      )!;
      expect(alone.standardError / error).toBeLessThan(0.93);
    });
    test("as many questions as are said to be needed find the difference in 80 % of simulated comparisons", () => {
      reference.power.forEach((found, at) => {
        expect(found, JSON.stringify(claims[at])).toBeGreaterThan(0.78);
        expect(found, JSON.stringify(claims[at])).toBeLessThan(0.85);
      });
    });
  },
);
