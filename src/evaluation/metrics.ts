import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { EvaluationRecord } from "./records.ts";

/** A number from records, in whatever order they come; null when it is not defined for them. Ours lie in [0, 1]. */
export type Metric = (records: readonly EvaluationRecord[]) => number | null;

/** A metric plug-in. */
export type MetricPlugin = Plugin<Metric>;

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
}

/** What says how far an accuracy can be believed; reported beside every benchmark's own metrics. */
const companions = ["answered-rate", "parse-fail-rate", "error-rate", "length-stopped-rate"];

/**
 * The metrics that a benchmark names, then those that are reported with every one.
 *
 * @throws {UnknownNameError} for a name that no file has
 */
export const metricsFor = async (named: readonly (string | NamedMetric)[]): Promise<NamedMetric[]> => {
  const own = new Set(named.map((metric) => (typeof metric === "string" ? metric : metric.name)));
  const all = [...named, ...companions.filter((name) => !own.has(name))];
  return await Promise.all(
    all.map(async (metric) => {
      if (typeof metric !== "string") return metric;
      const { summary } = await metricRegistry.load(metric);
      return { name: metric, summary, value: (await metricRegistry.make(metric)).value };
    }),
  );
};

/** Mean of a number over records; null for no records. */
export const meanOver = (
  records: readonly EvaluationRecord[],
  value: (record: EvaluationRecord) => number,
): number | null =>
  records.length === 0 ? null : records.reduce((sum, record) => sum + value(record), 0) / records.length;
