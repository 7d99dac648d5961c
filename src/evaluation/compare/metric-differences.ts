import { seededRandom } from "../../core/random.ts";
import type { Metric, MetricScale, NamedMetric } from "../metrics.ts";
import type { EvaluationRecord } from "../records.ts";
import { clusterBootstrap } from "../statistics/bootstrap.ts";
import type { Estimate } from "../statistics/estimate.ts";

/** A metric of one run minus that of another, over their common questions. */
export interface MetricDifference {
  readonly name: string;
  readonly unit: MetricScale["unit"];
  readonly digits: number;
  /** False where less is better. */
  readonly moreIsBetter: boolean;
  /** Null where it is not defined for one of the two. */
  readonly difference: Estimate | null;
}

interface CommonQuestion {
  readonly cluster: string;
  readonly of: readonly EvaluationRecord[];
  readonly against: readonly EvaluationRecord[];
}

const commonQuestions = (
  of: readonly EvaluationRecord[],
  against: readonly EvaluationRecord[],
): CommonQuestion[] => {
  const others = Map.groupBy(against, ({ questionId }) => questionId);
  return [...Map.groupBy(of, ({ questionId }) => questionId)].flatMap(([id, own]) => {
    const other = others.get(id);
    return other === undefined ? [] : [{ cluster: own[0]!.videoId, of: own, against: other }];
  });
};

/** Of every bootstrap here: the same records give the same interval. */
const seed = 1;

/** The metric with what it takes from the whole set fixed to these records. */
const fixed = ({ value }: NamedMetric, records: readonly EvaluationRecord[]): Metric =>
  value.fixedTo?.(records) ?? value;

/**
 * Paired differences of metrics, with intervals of a bootstrap that draws whole clips for both runs together and computes
 * both metrics anew. Intervals are not adjusted for how many metrics there are.
 */
export const metricDifferences = (
  of: readonly EvaluationRecord[],
  against: readonly EvaluationRecord[],
  metrics: readonly NamedMetric[],
): MetricDifference[] => {
  const items = commonQuestions(of, against);
  return metrics.map((metric): MetricDifference => {
    const { unit = "share", digits, best = 1 } = metric.scale ?? {};
    const [late, early] = [
      fixed(
        metric,
        items.flatMap((item) => item.of),
      ),
      fixed(
        metric,
        items.flatMap((item) => item.against),
      ),
    ];
    const aggregate = (some: readonly CommonQuestion[]): number | null => {
      const own = late(some.flatMap((item) => item.of));
      const other = early(some.flatMap((item) => item.against));
      return own === null || other === null ? null : own - other;
    };
    return {
      name: metric.name,
      unit,
      digits: digits ?? (unit === "share" ? 1 : 3),
      moreIsBetter: best > 0,
      difference: clusterBootstrap(
        { items, clusterOf: ({ cluster }) => cluster, aggregate },
        seededRandom(seed, "difference", metric.name),
      ),
    };
  });
};

/** The difference as it is written: shares in points, other numbers as they are, both with their sign. */
export const metricDifferenceText = ({ difference, unit, digits }: MetricDifference): string => {
  if (difference === null) return "not defined";
  const signed = (value: number): string => {
    const text = Math.abs(unit === "share" ? value * 100 : value).toFixed(digits);
    return Number(text) === 0 ? text : `${value > 0 ? "+" : "−"}${text}`;
  };
  const { value, low, high } = difference;
  return `${signed(value)}${unit === "share" ? " points" : ""} (${signed(low)} to ${signed(high)})`;
};
