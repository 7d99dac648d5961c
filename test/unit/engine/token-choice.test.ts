import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { checkTokenChoice, drawToken, ruledScores } from "../../../src/engine/token-choice.ts";

const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 4, maxLength: 12 });
const softmax = (x: readonly number[]): number[] => {
  const total = x.reduce((sum, value) => sum + Math.exp(value), 0);
  return x.map((value) => Math.exp(value) / total);
};

test("greedy takes the likeliest token that is not banned; its log-probability is among those that are not", () => {
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

test("a log-probability is that of the distribution drawn from: temperature, banned tokens, top-k, top-p, penalty", () => {
  const rules = fc.record({
    temperature: fc.double({ min: 0.2, max: 3, noNaN: true }),
    topK: fc.nat(4),
    topP: fc.double({ min: 0.2, max: 1, noNaN: true }),
    repetitionPenalty: fc.constantFrom(1, 1.3),
    bannedTokens: fc.subarray([0, 1, 2]),
  });
  fc.assert(
    fc.property(logits, rules, fc.nat(), (x, given, seed) => {
      const row = Float32Array.from(x);
      const { token, logprob } = drawToken(row, given, seededRandom(seed), new Set([1, 3]));
      const probabilities = softmax([...ruledScores(row, given, new Set([1, 3]))]);
      expect(logprob).toBeCloseTo(Math.log(probabilities[token]!), 4);
      expect(probabilities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6);
      for (const banned of given.bannedTokens) expect(probabilities[banned]).toBe(0);
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
          expect(rounded[byK]).toBeGreaterThanOrEqual(rounded[order[k - 1]!]!);
          const byP = drawToken(Float32Array.from(x), { temperature: 1, topP: p }, random).token;
          expect(nucleus).toContain(byP);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("logits with %d are an error, not a token", (odd) => {
  for (const temperature of [0, 1])
    expect(() => drawToken(Float32Array.of(1, odd, 0), { temperature }, seededRandom("odd"))).toThrow(
      /no token can be drawn.*finite logits/,
    );
});

test("a repetition penalty makes every seen token less likely, once however often it was seen", () => {
  const x = Float32Array.of(2, -1, 0.5, 3);
  const rules = { temperature: 1, repetitionPenalty: 2 };
  expect([...ruledScores(x, rules, new Set([0, 1]))]).toEqual([1, -2, 0.5, 3]);
  expect([...ruledScores(x, rules, new Set())]).toEqual([...x]);
  // The row of logits stays as it is: the log-probability is read from it.
  expect([...x]).toEqual([2, -1, 0.5, 3]);
});

test("equally likely tokens: top-k keeps all of them, top-p the first that reach p", () => {
  const x = Float32Array.of(1, 1, 1, 1, -20);
  const kept = (rules: object): number[] =>
    [...ruledScores(x, { temperature: 1, ...rules }, new Set())].flatMap((score, i) =>
      score === Number.NEGATIVE_INFINITY ? [] : [i],
    );
  expect(kept({ topK: 2 })).toEqual([0, 1, 2, 3]);
  expect(kept({ topP: 0.4 })).toEqual([0, 1]);
  expect(kept({ topP: 1e-9 })).toEqual([0]);
});

test("rules outside their range are errors that say what was expected", () => {
  const wrong: [object, RegExp][] = [
    [{ temperature: -1 }, /temperature.*0 or more.*-1/s],
    [{ temperature: Number.NaN }, /temperature/],
    [{ topK: 1.5 }, /top-k.*integer/s],
    [{ topP: 0 }, /top-p.*more than 0/s],
    [{ topP: 1.01 }, /top-p/],
    [{ repetitionPenalty: 0 }, /repetition penalty.*more than 0/s],
    [{ bannedTokens: [9] }, /banned token.*below 4/s],
    [{ bannedTokens: [0, 1, 2, 3, 3] }, /not banned/],
  ];
  for (const [rules, message] of wrong) {
    const check = (): void => checkTokenChoice({ temperature: 1, ...rules }, 4);
    expect(check).toThrow(ConfigError);
    expect(check).toThrow(message);
  }
  checkTokenChoice({ temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1, bannedTokens: [0, 1, 2] }, 4);
});
