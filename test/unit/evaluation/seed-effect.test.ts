import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { type ClusteredValue, clusteredMean } from "../../../src/evaluation/statistics/clustered.ts";
import { seedEffect } from "../../../src/evaluation/statistics/seeds.ts";

const values = (seed: number, centre: number, count = 40): ClusteredValue[] => {
  const random = seededRandom("seed effect", seed);
  return Array.from({ length: count }, (_, i) => ({
    cluster: `${seed} ${i >> 1}`,
    value: centre + 0.1 * random.normal(),
  }));
};

test("one seed: the interval of its clips, and nothing is known of other seeds", () => {
  const own = values(1, 0.2);
  const effect = seedEffect([own])!;
  const clips = clusteredMean(own)!;
  expect(effect.value).toBeCloseTo(clips.value, 12);
  expect(effect.low).toBeCloseTo(clips.low, 12);
  expect(effect.high).toBeCloseTo(clips.high, 12);
  expect(effect).toMatchObject({ seeds: 1, betweenSeeds: null, clusters: 20, questions: 40 });
  expect(seedEffect([])).toBeNull();
  expect(seedEffect([[], own])!.seeds).toBe(1);
});

test("seeds that disagree widen the interval by Student's t with few degrees of freedom: worked by hand", () => {
  // Three seeds of one clip value each, many clips, no noise within: means 0, 0.1, 0.2.
  const flat = (seed: number, value: number): ClusteredValue[] =>
    Array.from({ length: 5 }, (_, i) => ({ cluster: `${seed} ${i}`, value }));
  const effect = seedEffect([flat(1, 0), flat(2, 0.1), flat(3, 0.2)])!;
  expect(effect.value).toBeCloseTo(0.1, 12);
  expect(effect.standardError).toBeCloseTo(0.1 / Math.sqrt(3), 12);
  // t(0.975, 2) = 4.30265
  expect(effect.high - effect.value).toBeCloseTo((4.30265 * 0.1) / Math.sqrt(3), 4);
  expect(effect.betweenSeeds).toBeCloseTo(0.1, 12);
  expect(effect.perSeed).toEqual([0, 0.1, 0.2].map((one) => expect.closeTo(one, 12)));
});

test("seeds that happen to agree do not narrow it below what the clips say", () => {
  const twice = seedEffect([values(1, 0), values(1, 0)])!;
  const once = clusteredMean(values(1, 0))!;
  expect(twice.standardError).toBeCloseTo(once.standardError / Math.SQRT2, 12);
});

test("about 95 of 100 intervals hold the truth, with seeds that differ", () => {
  let hits = 0;
  for (let run = 0; run < 200; run++) {
    const random = seededRandom("coverage", run);
    const seeds = Array.from({ length: 4 }, (_, s) => values(1000 * run + s, 0.3 + 0.1 * random.normal()));
    const { low, high } = seedEffect(seeds)!;
    if (low <= 0.3 && high >= 0.3) hits++;
  }
  expect(hits).toBeGreaterThanOrEqual(180);
});

test("the mean lies in its interval, inside the bounds", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 5 }), (seeds) => {
      const effect = seedEffect(
        seeds.map((seed) => values(seed, 0.9)),
        { bounds: [-1, 1] },
      )!;
      expect(effect.low).toBeLessThanOrEqual(effect.value);
      expect(effect.high).toBeLessThanOrEqual(1);
      expect(effect.low).toBeGreaterThanOrEqual(-1);
    }),
    { numRuns: 30 },
  );
});
