import type { Random } from "../../core/random.ts";
import { type ClusteredValue, clusteredMean } from "./clustered.ts";
import { logGamma } from "./distributions.ts";
import type { Estimate } from "./estimate.ts";

/** One question's outcome: 1 or 0, or a score in [0, 1]. */
export interface QuestionScore {
  readonly questionId: string;
  /** The clip. */
  readonly cluster: string;
  readonly score: number;
}

/** Mean score of each question: repeated draws (seeds of a control) of one question count as one. */
const byQuestion = (scores: readonly QuestionScore[]): Map<string, { cluster: string; score: number }> => {
  const sums = new Map<string, { cluster: string; sum: number; count: number }>();
  for (const { questionId, cluster, score } of scores) {
    const entry = sums.get(questionId) ?? { cluster, sum: 0, count: 0 };
    entry.sum += score;
    entry.count++;
    sums.set(questionId, entry);
  }
  return new Map([...sums].map(([id, { cluster, sum, count }]) => [id, { cluster, score: sum / count }]));
};

/** The difference a - b of every question that both have, with its clip. */
export const pairedDifferences = (
  a: readonly QuestionScore[],
  b: readonly QuestionScore[],
): ClusteredValue[] => {
  const other = byQuestion(b);
  const result: ClusteredValue[] = [];
  for (const [id, { cluster, score }] of byQuestion(a)) {
    const partner = other.get(id);
    if (partner !== undefined) result.push({ cluster, value: score - partner.score });
  }
  return result;
};

/**
 * Difference of two accuracies on the same questions, a - b, with its interval clustered by clip. Questions that only one
 * side has are left out.
 *
 * @returns null when no question is common
 */
export const pairedDifference = (
  a: readonly QuestionScore[],
  b: readonly QuestionScore[],
  level = 0.95,
): Estimate | null => clusteredMean(pairedDifferences(a, b), { level, bounds: [-1, 1] });

/**
 * How much more accuracy is lost when the decisive frames go than when as many other frames go:
 *
 * (acc complete - acc absent) - (acc complete - acc random-removal)
 *
 * over the questions that all three have, clustered by clip. Several random draws of a question are averaged first.
 *
 * @returns null when no question has all three
 * @source design note on frame use (necessity index N); ours in this form
 */
export const sensitivity = (
  complete: readonly QuestionScore[],
  absent: readonly QuestionScore[],
  randomRemoval: readonly QuestionScore[],
  level = 0.95,
): Estimate | null => {
  const without = byQuestion(absent);
  const control = byQuestion(randomRemoval);
  const values: ClusteredValue[] = [];
  for (const [id, { cluster, score }] of byQuestion(complete)) {
    const a = without.get(id);
    const r = control.get(id);
    if (a !== undefined && r !== undefined)
      values.push({ cluster, value: score - a.score - (score - r.score) });
  }
  return clusteredMean(values, { level, bounds: [-1, 1] });
};

const logChoose = (n: number, k: number): number => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

/**
 * McNemar's test on the discordant counts: b right only by the first, c only by the second. Two-sided.
 *
 * @returns exact binomial p and the less conservative mid-p; 1 and 1 when nothing disagrees
 */
export const mcNemar = (b: number, c: number): { readonly exactP: number; readonly midP: number } => {
  const n = b + c;
  if (n === 0) return { exactP: 1, midP: 1 };
  const probability = (k: number): number => Math.exp(logChoose(n, k) - n * Math.LN2);
  const least = Math.min(b, c);
  let tail = 0;
  for (let k = 0; k <= least; k++) tail += probability(k);
  return {
    exactP: Math.min(1, 2 * tail),
    midP: b === c ? 1 - 0.5 * probability(least) : Math.min(1, 2 * tail - probability(least)),
  };
};

/**
 * Two-sided sign-flip permutation test of "the mean difference is 0": the signs of whole clusters are flipped. Exact up to
 * 16 clusters with a difference, else by `draws` seeded draws (the observed one counted).
 */
export const signFlipTest = (
  differences: readonly ClusteredValue[],
  random: Random,
  draws = 9999,
): number => {
  const sums = new Map<string, number>();
  for (const { cluster, value } of differences) sums.set(cluster, (sums.get(cluster) ?? 0) + value);
  const moving = [...sums.values()].filter((sum) => sum !== 0);
  if (moving.length === 0) return 1;
  const observed = Math.abs(moving.reduce((sum, value) => sum + value, 0)) - 1e-12;
  const extreme = (flip: (index: number) => boolean): boolean =>
    Math.abs(moving.reduce((sum, value, index) => sum + (flip(index) ? -value : value), 0)) >= observed;
  if (moving.length <= 16) {
    const total = 2 ** moving.length;
    let hits = 0;
    for (let mask = 0; mask < total; mask++) if (extreme((index) => ((mask >> index) & 1) === 1)) hits++;
    return hits / total;
  }
  let hits = 1;
  for (let draw = 0; draw < draws; draw++) if (extreme(() => random.next() < 0.5)) hits++;
  return hits / (draws + 1);
};

/**
 * The smallest paired difference that n questions show with 80 % power at the 5 % level: 2.80 sqrt(d / n), times the
 * square root of the design effect.
 *
 * @param discordantShare share of questions on which the two disagree
 */
export const detectableDifference = (questions: number, discordantShare: number, designEffect = 1): number =>
  questions === 0 ? 1 : 2.8 * Math.sqrt((discordantShare * designEffect) / questions);

/**
 * Questions that would show a difference of this size with 80 % power, clips and answers being as alike as here; null
 * for no difference.
 *
 * @param questions how many were compared
 * @param detectable what these show, by {@link detectableDifference}
 */
export const questionsNeeded = (difference: number, questions: number, detectable: number): number | null =>
  difference === 0 ? null : Math.max(1, Math.ceil(questions * (detectable / difference) ** 2 - 1e-9));
