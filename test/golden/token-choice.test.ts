import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ruledScores, type TokenChoiceRules } from "../../src/engine/token-choice.ts";

/** Made by scripts/make-golden/token_choice.py with transformers' logits processors. */
const golden = JSON.parse(readFileSync(new URL("./expected/token-choice.json", import.meta.url), "utf8")) as {
  readonly cases: readonly {
    readonly rules: TokenChoiceRules;
    readonly logits: readonly number[];
    readonly seen: readonly number[];
    /** Tokens that may be drawn. */
    readonly kept: readonly number[];
    readonly probabilities: readonly number[];
  }[];
};

test.each(golden.cases)("probabilities under $rules are those of transformers", (one) => {
  const scores = ruledScores(Float32Array.from(one.logits), one.rules, new Set(one.seen));
  const weights = Array.from(scores, Math.exp);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  expect([...scores.keys()].filter((token) => scores[token] !== Number.NEGATIVE_INFINITY)).toEqual(one.kept);
  weights.forEach((weight, token) => {
    // Scores are float32 on both sides: 1e-7 of a score of about 10.
    expect(Math.abs(weight / total - one.probabilities[token]!)).toBeLessThan(2e-6);
  });
});
