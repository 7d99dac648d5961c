import { BenchmarkError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import { meanChance } from "./chance.ts";
import { underOfficialRule } from "./judge.ts";
import type { MetricScale, NamedMetric } from "./metrics.ts";
import { correctness, type EvaluationRecord, type Outcome, scoredRecords } from "./records.ts";
import { clusterBootstrap } from "./statistics/bootstrap.ts";
import { clusteredAccuracy } from "./statistics/clustered.ts";
import type { Estimate } from "./statistics/estimate.ts";
import { pairedDifferences, type QuestionScore } from "./statistics/paired.ts";

/** One skill's score. */
export interface SkillScore {
  readonly skill: string;
  readonly accuracy: Estimate;
  /** The benchmark's first metric, where that is another one than accuracy. */
  readonly headline: MetricScore | null;
  /** Mean chance of its questions; null where it is not defined for all of them. */
  readonly chance: number | null;
}

/** One of a benchmark's metrics; null where it is not defined. */
export interface MetricScore {
  readonly name: string;
  readonly summary: string;
  readonly unit: MetricScale["unit"];
  /** Digits behind the point where it is shown. */
  readonly digits: number;
  readonly value: Estimate | null;
}

/** What records of one subject under one intervention say: accuracy and everything that an accuracy alone hides. */
export interface ViewScore {
  readonly intervention: string;
  /** Records with a published answer; only these are scored. */
  readonly scored: number;
  /** Micro average over scored questions, clustered by clip. */
  readonly accuracy: Estimate;
  /** With intervals by bootstrap over clips that recomputes the metric. */
  readonly metrics: readonly MetricScore[];
  readonly chance: number | null;
  readonly skills: readonly SkillScore[];
  /** How many questions ended how. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

const shareScale: MetricScale = { unit: "share", best: 1 };

/** Accuracy of questions, repeated draws of one counted once; never an interval of width 0. */
export const accuracyOf = (scores: readonly QuestionScore[]): Estimate | null =>
  clusteredAccuracy(
    pairedDifferences(
      scores,
      scores.map((score) => ({ ...score, score: 0 })),
    ),
  );

/** Of every metric's bootstrap: the same records give the same interval wherever it is shown. */
const bootstrapSeed = 1;

/** A metric with the interval of a bootstrap over clips. */
export const metricScore = (
  { name, summary, value, scale = shareScale }: NamedMetric,
  records: readonly EvaluationRecord[],
): MetricScore => ({
  name,
  summary,
  unit: scale.unit,
  digits: scale.digits ?? (scale.unit === "share" ? 1 : 3),
  value: clusterBootstrap(
    {
      items: records,
      clusterOf: ({ videoId }) => videoId,
      aggregate: value.fixedTo?.(records) ?? value,
    },
    seededRandom(bootstrapSeed, "bootstrap", name),
  ),
});

const countOutcomes = (records: readonly EvaluationRecord[]): Record<Outcome, number> => {
  const counts = { right: 0, wrong: 0, unread: 0, empty: 0, missing: 0, failed: 0, refused: 0, unscored: 0 };
  for (const { outcome } of records) counts[outcome]++;
  return counts;
};

/**
 * Scores the records of one subject under one intervention.
 *
 * @param mode "official": by the benchmark's own rule, errors included, but what is missing or failed is wrong there too
 * @throws {BenchmarkError} when nothing can be scored
 */
export const scoreView = (
  records: readonly EvaluationRecord[],
  metrics: readonly NamedMetric[],
  mode: "strict" | "official",
): ViewScore => {
  const first = records[0];
  const strict = scoredRecords(records);
  if (first === undefined || strict.length === 0)
    throw new BenchmarkError("nothing to score", {
      ...(first === undefined ? {} : { where: first.benchmark }),
      expected: "questions with published answers",
    });
  const scored = mode === "strict" ? strict : strict.map(underOfficialRule);
  const headline = metrics[0]?.name === "accuracy" ? undefined : metrics[0];
  const bySkill = Map.groupBy(scored, ({ skill }) => skill);
  return {
    intervention: first.intervention.name,
    scored: scored.length,
    accuracy: accuracyOf(correctness(scored))!,
    metrics: metrics.map((metric) => metricScore(metric, scored)),
    chance: meanChance(scored),
    skills: [...bySkill]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([skill, rows]) => ({
        skill,
        accuracy: accuracyOf(correctness(rows))!,
        headline: headline === undefined ? null : metricScore(headline, rows),
        chance: meanChance(rows),
      })),
    outcomes: countOutcomes([...scored, ...records.filter(({ outcome }) => outcome === "unscored")]),
  };
};
