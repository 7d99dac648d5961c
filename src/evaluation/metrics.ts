import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { EvaluationRecord } from "./records.ts";

/** A number in [0, 1] from records, in whatever order they come; null when it is not defined for them. */
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

/** Mean of a number over records; null for no records. */
export const meanOver = (
  records: readonly EvaluationRecord[],
  value: (record: EvaluationRecord) => number,
): number | null =>
  records.length === 0 ? null : records.reduce((sum, record) => sum + value(record), 0) / records.length;
