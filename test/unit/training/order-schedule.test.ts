import fc from "fast-check";
import { expect, test } from "vitest";
import { batchAt } from "../../../src/training/order.ts";
import { learningRateAt } from "../../../src/training/schedule.ts";

const sizes = {
  items: fc.integer({ min: 1, max: 40 }),
  batch: fc.integer({ min: 1, max: 50 }),
  seed: fc.integer(),
};

test("every epoch holds every item once, whatever the batch size", () => {
  fc.assert(
    fc.property(sizes.items, sizes.batch, sizes.seed, (items, batch, seed) => {
      const epochs = 3;
      const steps = Math.ceil((epochs * items) / batch);
      const order = Array.from({ length: steps }, (_, i) => batchAt(items, batch, i + 1, seed)).flat();
      const all = Array.from({ length: items }, (_, i) => i);
      for (let epoch = 0; epoch < epochs; epoch++)
        expect(order.slice(epoch * items, (epoch + 1) * items).sort((a, b) => a - b)).toEqual(all);
    }),
  );
});

test("a batch depends on its arguments only, and epochs and seeds differ in order", () => {
  const later = batchAt(100, 100, 3, 7);
  expect(batchAt(100, 100, 1, 7)).not.toEqual(later);
  expect(batchAt(100, 100, 3, 8)).not.toEqual(later);
  expect(batchAt(100, 100, 3, 7)).toEqual(later);
});

test("the rate climbs linearly to its peak and falls along a cosine to its share", () => {
  const schedule = { learningRate: 2, warmupSteps: 10, finalShare: 0.1 };
  expect(learningRateAt(schedule, 1, 110)).toBeCloseTo(0.2, 12);
  expect(learningRateAt(schedule, 5, 110)).toBeCloseTo(1, 12);
  expect(learningRateAt(schedule, 10, 110)).toBe(2);
  // Half way the cosine is 0: the mean of peak and end, (2 + 0.2) / 2.
  expect(learningRateAt(schedule, 60, 110)).toBeCloseTo(1.1, 12);
  expect(learningRateAt(schedule, 110, 110)).toBeCloseTo(0.2, 12);
  expect(learningRateAt({ ...schedule, warmupSteps: 0 }, 1, 1)).toBeCloseTo(0.2, 12);
});

test("the rate stays between its end and its peak and never rises after the warm-up", () => {
  const schedule = fc.record({
    learningRate: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    warmupSteps: fc.integer({ min: 0, max: 30 }),
    finalShare: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(schedule, fc.integer({ min: 1, max: 60 }), (given, steps) => {
      let before = Number.POSITIVE_INFINITY;
      for (let step = 1; step <= steps; step++) {
        const rate = learningRateAt(given, step, steps);
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(given.learningRate * (1 + 1e-12));
        if (step <= given.warmupSteps) continue;
        expect(rate).toBeLessThanOrEqual(before * (1 + 1e-12));
        before = rate;
      }
    }),
  );
});
