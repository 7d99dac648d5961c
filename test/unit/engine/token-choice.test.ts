import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { drawToken } from "../../../src/engine/token-choice.ts";

const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 4, maxLength: 12 });
const softmax = (x: readonly number[]): number[] => {
  const total = x.reduce((sum, value) => sum + Math.exp(value), 0);
  return x.map((value) => Math.exp(value) / total);
};

test("greedy takes the likeliest token that is not banned; its log-probability is among those", () => {
  fc.assert(
    fc.property(logits, fc.subarray([0, 1, 2]), (x, banned) => {
      const kept = x.map((value, i) => (banned.includes(i) ? Number.NEGATIVE_INFINITY : Math.fround(value)));
      const drawn = drawToken(
        Float32Array.from(x),
        { temperature: 0, bannedTokens: banned },
        seededRandom(1),
      );
      expect(drawn.token).toBe(kept.indexOf(Math.max(...kept)));
      expect(drawn.logprob).toBeCloseTo(Math.log(softmax(kept)[drawn.token]!), 4);
    }),
  );
});

test("frequencies follow the softmax at the temperature", () => {
  const x = [1, 0.2, -1, 2];
  const temperature = 0.7;
  const expected = softmax(x.map((value) => value / temperature));
  const random = seededRandom("frequencies");
  const counts = [0, 0, 0, 0];
  const draws = 20_000;
  for (let i = 0; i < draws; i++) counts[drawToken(Float32Array.from(x), { temperature }, random).token]!++;
  // Four standard deviations of a share are below 0.015.
  counts.forEach((count, i) => {
    expect(Math.abs(count / draws - expected[i]!)).toBeLessThan(0.015);
  });
});

test("top-k and top-p draw from the likeliest only: k of them, or the fewest that reach p", () => {
  fc.assert(
    fc.property(
      logits,
      fc.integer({ min: 1, max: 4 }),
      fc.double({ min: 0.05, max: 0.99, noNaN: true }),
      (x, k, p) => {
        const rounded = x.map(Math.fround);
        const order = rounded.map((_, i) => i).sort((a, b) => rounded[b]! - rounded[a]! || a - b);
        const probabilities = softmax(rounded);
        const random = seededRandom("cut");
        let mass = 0;
        const nucleus = order.filter((token) => {
          const before = mass;
          mass += probabilities[token]!;
          // Sums in another order: at the edge both answers are right.
          return before < p + 1e-6;
        });
        for (let i = 0; i < 20; i++) {
          const byK = drawToken(Float32Array.from(x), { temperature: 1, topK: k }, random).token;
          expect(order.slice(0, k)).toContain(byK);
          const byP = drawToken(Float32Array.from(x), { temperature: 1, topP: p }, random).token;
          expect(nucleus).toContain(byP);
        }
      },
    ),
    { numRuns: 60 },
  );
});
