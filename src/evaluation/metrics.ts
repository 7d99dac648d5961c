import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";
import { extractNumber } from "../grading/numbers.ts";
import type { EvaluationRecord } from "./records.ts";

/** A number from records, in whatever order they come; null when it is not defined for them. */
export interface Metric {
  (records: readonly EvaluationRecord[]): number | null;
  /**
   * The metric with everything that it takes from the whole set (document frequencies) fixed to these records: what an
   * interval's resamples are made with. Left out: nothing is taken from the whole set.
   */
  readonly fixedTo?: (records: readonly EvaluationRecord[]) => Metric;
}

/** What a metric's numbers mean. */
export interface MetricScale {
  /** "share": in [0, 1], shown in per cent. "number": 0 or more, shown as it is. */
  readonly unit: "share" | "number";
  /** Digits behind the point where it is shown; 1 for shares, 3 for numbers where left out. */
  readonly digits?: number;
  /** What a perfect subject gets, or comes nearest to. */
  readonly best: number;
}

/** A metric plug-in. */
export interface MetricPlugin extends Plugin<Metric> {
  /** Left out: a share whose best is 1. */
  readonly scale?: MetricScale;
  /** The kinds of answers that it can be made of; others are left out of it. Left out: every kind. */
  readonly kinds?: readonly AnswerKind[];
}

/** Declares a metric. */
export const defineMetric: Define<MetricPlugin> = definer("metric");

/** Every metric in `metrics/`, by file name. */
export const metricRegistry: Registry<MetricPlugin> = folderRegistry(
  "metric",
  new URL("./metrics/", import.meta.url),
);

/** A metric ready to be computed. */
export interface NamedMetric {
  readonly name: string;
  readonly summary: string;
  readonly value: Metric;
  /** Left out: a share whose best is 1. */
  readonly scale?: MetricScale;
}

/** What says how far an accuracy can be believed; reported beside every benchmark's own metrics. */
export const companionMetrics: readonly string[] = [
  "answered-rate",
  "parse-fail-rate",
  "error-rate",
  "length-stopped-rate",
];

/**
 * The metrics that are named (`NAME`, `NAME:ARGUMENT`), each once, then those that are reported with every one.
 *
 * @throws {UnknownNameError} for a name that no file has
 */
export const metricsFor = async (named: readonly (string | NamedMetric)[]): Promise<NamedMetric[]> => {
  const nameOf = (metric: string | NamedMetric): string =>
    typeof metric === "string" ? metric : metric.name;
  const all = new Map<string, string | NamedMetric>();
  for (const metric of [...named, ...companionMetrics])
    if (!all.has(nameOf(metric))) all.set(nameOf(metric), metric);
  return await Promise.all(
    [...all.values()].map(async (metric) => {
      if (typeof metric !== "string") return metric;
      const { plugin, value } = await metricRegistry.choose(metric);
      const { summary, scale } = plugin;
      return { name: metric, summary, value, ...(scale === undefined ? {} : { scale }) };
    }),
  );
};

/** A number of a record that is computed once, however many resamples hold the record. */
export const perRecord = <T>(compute: (record: EvaluationRecord) => T): ((record: EvaluationRecord) => T) => {
  const known = new WeakMap<EvaluationRecord, { readonly value: T }>();
  return (record) => {
    const kept = known.get(record) ?? { value: compute(record) };
    known.set(record, kept);
    return kept.value;
  };
};

/** What an answer says without its reasoning; nothing where nothing was said. */
export const saidText = ({ parsedAnswer, rawOutput, error }: EvaluationRecord): string =>
  error === null ? (parsedAnswer ?? rawOutput) : "";

/** The number that was read (null: none) and the true one. */
export const numbersOf = ({
  parsedAnswer,
  gold,
}: EvaluationRecord): { readonly said: number | null; readonly right: number } => {
  const said = parsedAnswer === null || parsedAnswer === "" ? Number.NaN : Number(parsedAnswer);
  return {
    said: Number.isFinite(said) ? said : null,
    right: extractNumber(gold ?? "").value ?? Number.NaN,
  };
};

/** A metric of the records whose answers are of these kinds. */
export const ofKinds =
  (kinds: readonly AnswerKind[], metric: Metric): Metric =>
  (records) =>
    metric(records.filter(({ answerKind }) => kinds.includes(answerKind)));

/** Mean of a number over records; null for no records. */
export const meanOver = (
  records: readonly EvaluationRecord[],
  value: (record: EvaluationRecord) => number,
): number | null =>
  records.length === 0 ? null : records.reduce((sum, record) => sum + value(record), 0) / records.length;

/** The plain mean of the accuracies of skills: each weighs the same. @param only these skills; all when left out */
export const skillMean =
  (only?: readonly string[]): Metric =>
  (records) => {
    const bySkill = Map.groupBy(
      only === undefined ? records : records.filter(({ skill }) => only.includes(skill)),
      ({ skill }) => skill,
    );
    if (bySkill.size === 0) return null;
    let sum = 0;
    for (const rows of bySkill.values()) sum += meanOver(rows, ({ correct }) => (correct ? 1 : 0))!;
    return sum / bySkill.size;
  };
