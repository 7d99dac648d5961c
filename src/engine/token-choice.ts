import type { Random } from "../core/random.ts";

/** How a token is chosen. */
export interface TokenChoiceRules {
  /** 0: greedy. */
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly bannedTokens?: readonly number[];
}

/** Index of the largest number; the first of equals. */
const largest = (x: Float32Array): number => {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
};

/** log(sum(exp(factor * x))), stable. */
const logSumExp = (x: Float32Array, factor: number): number => {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) if (x[i]! > top) top = x[i]!;
  let total = 0;
  for (let i = 0; i < x.length; i++) total += Math.exp(factor * (x[i]! - top));
  return factor * top + Math.log(total);
};

/** Tokens that may be drawn, likeliest first, cut by top-k and top-p. */
const candidates = (logits: Float32Array, rules: TokenChoiceRules, normalizer: number): number[] => {
  const order = Array.from(logits, (_, token) => token).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = rules.topK !== undefined && rules.topK > 0 ? order.slice(0, rules.topK) : order;
  if (rules.topP === undefined || rules.topP >= 1) return kept;
  let mass = 0;
  const end = kept.findIndex((token) => {
    mass += Math.exp(logits[token]! / rules.temperature - normalizer);
    return mass >= rules.topP!;
  });
  return end < 0 ? kept : kept.slice(0, end + 1);
};

/**
 * Draws one token from a row of logits [V] (overwritten where tokens are banned).
 *
 * @returns the token and its log-probability at temperature 1 among the tokens that are not banned
 */
export const drawToken = (
  logits: Float32Array,
  rules: TokenChoiceRules,
  random: Random,
): { readonly token: number; readonly logprob: number } => {
  for (const token of rules.bannedTokens ?? []) logits[token] = Number.NEGATIVE_INFINITY;
  const logprob = (token: number): number => logits[token]! - logSumExp(logits, 1);
  if (rules.temperature === 0) {
    const token = largest(logits);
    return { token, logprob: logprob(token) };
  }
  const normalizer = logSumExp(logits, 1 / rules.temperature);
  const limited = (rules.topK ?? 0) > 0 || (rules.topP ?? 1) < 1;
  const allowed = limited ? candidates(logits, rules, normalizer) : undefined;
  const probability = (token: number): number => Math.exp(logits[token]! / rules.temperature - normalizer);
  let total = 1;
  if (allowed !== undefined) total = allowed.reduce((sum, token) => sum + probability(token), 0);
  let rest = random.next() * total;
  const count = allowed?.length ?? logits.length;
  let chosen = allowed?.[0] ?? largest(logits);
  for (let i = 0; i < count; i++) {
    const token = allowed?.[i] ?? i;
    const p = probability(token);
    if (p === 0) continue;
    chosen = token;
    rest -= p;
    if (rest < 0) break;
  }
  return { token: chosen, logprob: logprob(chosen) };
};
