import { ConfigError, EngineError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";

/** How a token is chosen. */
export interface TokenChoiceRules {
  /** Scores are divided by it; 0: the token with the largest score. */
  readonly temperature: number;
  /** Keep the k largest scores (and what equals the least of them); 0 or absent: all. */
  readonly topK?: number;
  /** Keep the likeliest tokens that together reach p; 1 or absent: all. */
  readonly topP?: number;
  /** Positive scores of tokens that were there before are divided by it, negative ones multiplied; 1 or absent: off. */
  readonly repetitionPenalty?: number;
  /** Never drawn. */
  readonly bannedTokens?: readonly number[];
}

/**
 * Checks the rules of drawing.
 * @throws {ConfigError} for a rule outside its range, or when every one of `vocabSize` tokens is banned
 */
export const checkTokenChoice = (rules: TokenChoiceRules, vocabSize: number): void => {
  const { temperature, topK = 0, topP = 1, repetitionPenalty = 1, bannedTokens = [] } = rules;
  const check = (ok: boolean, what: string, expected: string, got: number): void => {
    if (!ok) throw new ConfigError(what, { expected, got: String(got) });
  };
  check(temperature >= 0 && temperature < Number.POSITIVE_INFINITY, "temperature", "0 or more", temperature);
  check(Number.isInteger(topK) && topK >= 0, "top-k", "an integer, 0 or more", topK);
  check(topP > 0 && topP <= 1, "top-p", "more than 0, at most 1", topP);
  const isPenalty = repetitionPenalty > 0 && repetitionPenalty < Number.POSITIVE_INFINITY;
  check(isPenalty, "repetition penalty", "more than 0", repetitionPenalty);
  for (const token of bannedTokens)
    check(token >= 0 && token < vocabSize, "banned token", `an id below ${vocabSize}`, token);
  const free = vocabSize - new Set(bannedTokens).size;
  check(free > 0, "tokens that are not banned", "at least one", free);
};

/** Index of the largest number; the first of equals. */
const largest = (x: Float32Array): number => {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
};

/** log(sum(exp(x))), stable. */
const logSumExp = (x: Float32Array): number => {
  const top = x[largest(x)]!;
  let total = 0;
  for (let i = 0; i < x.length; i++) total += Math.exp(x[i]! - top);
  return top + Math.log(total);
};

/** Removes what is below the k-th largest score. */
const keepTopK = (scores: Float32Array, k: number): void => {
  if (k === 0 || k >= scores.length) return;
  const least = scores.slice().sort().at(-k)!;
  for (let i = 0; i < scores.length; i++) if (scores[i]! < least) scores[i] = Number.NEGATIVE_INFINITY;
};

/** Keeps the likeliest tokens that together reach p; of equally likely ones at the edge, the first. */
const keepTopP = (scores: Float32Array, p: number): void => {
  if (p >= 1) return;
  const sorted = scores.slice().sort();
  const normalizer = logSumExp(scores);
  let mass = 0;
  let at = sorted.length;
  while (at > 0 && mass < p) mass += Math.exp(sorted[--at]! - normalizer);
  const least = sorted[at]!;
  // Of the tokens that have the least score, as many stay as were counted.
  let room = 0;
  for (let i = at; i < sorted.length && sorted[i] === least; i++) room++;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === least && room > 0) room--;
    else if (scores[i]! <= least) scores[i] = Number.NEGATIVE_INFINITY;
  }
};

/**
 * Scores of a row of logits [V] under the rules, in transformers' order: banned tokens, repetition penalty,
 * temperature, top-k, top-p. What may not be drawn has -Infinity. With temperature 0 only the first two apply.
 *
 * @param seen tokens of the prompt and of the completion so far
 * @returns a new array
 * @source transformers 5.23, `generation/logits_process.py`; the penalty is that of Keskar et al. 2019
 */
export const ruledScores = (
  logits: Float32Array,
  rules: TokenChoiceRules,
  seen: ReadonlySet<number>,
): Float32Array => {
  const scores = logits.slice();
  for (const token of rules.bannedTokens ?? []) scores[token] = Number.NEGATIVE_INFINITY;
  const penalty = rules.repetitionPenalty ?? 1;
  if (penalty !== 1) for (const token of seen) scores[token]! *= scores[token]! < 0 ? penalty : 1 / penalty;
  const { temperature } = rules;
  if (temperature === 0) return scores;
  if (temperature !== 1) for (let i = 0; i < scores.length; i++) scores[i]! /= temperature;
  keepTopK(scores, rules.topK ?? 0);
  keepTopP(scores, rules.topP ?? 1);
  return scores;
};

/** Draws an index with probability softmax(scores). */
const drawIndex = (scores: Float32Array, random: Random): number => {
  const top = scores[largest(scores)]!;
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += Math.exp(scores[i]! - top);
  let rest = random.next() * total;
  let chosen = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = Math.exp(scores[i]! - top);
    if (weight === 0) continue;
    chosen = i;
    rest -= weight;
    if (rest < 0) break;
  }
  return chosen;
};

/**
 * Draws one token from a row of logits [V].
 *
 * @param seen tokens of the prompt and of the completion so far; read by the repetition penalty only
 * @returns the token and its log-probability in nats under the distribution that it was drawn from, with everything that
 * the rules say; with temperature 0, which draws from none, under the model's own without the banned tokens
 * @throws {EngineError} when the logits hold NaN or +Infinity, of which no distribution can be made
 */
export const drawToken = (
  logits: Float32Array,
  rules: TokenChoiceRules,
  random: Random,
  seen: ReadonlySet<number> = new Set(),
): { readonly token: number; readonly logprob: number } => {
  const scores = ruledScores(logits, rules, seen);
  const token = rules.temperature === 0 ? largest(scores) : drawIndex(scores, random);
  const logprob = scores[token]! - logSumExp(scores);
  if (Number.isNaN(logprob))
    throw new EngineError("no token can be drawn", {
      expected: "finite logits",
      got: "NaN or Infinity",
      hint: "the weights are damaged, or training diverged: use an earlier checkpoint",
    });
  return { token, logprob };
};
