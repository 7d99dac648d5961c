import { join } from "node:path";
import { writeFileAtomic } from "../core/files.ts";
import { type Benchmark, benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { metricsFor, type NamedMetric } from "../evaluation/metrics.ts";
import { assembleReport } from "../evaluation/report/assemble.ts";
import { evaluatedRunFiles } from "../evaluation/report/description.ts";
import type { ReportModel } from "../evaluation/report/model.ts";
import { readEvaluation, type StoredEvaluation } from "../evaluation/report/read-evaluated-run.ts";
import { renderReport } from "../evaluation/report/render.ts";
import { rotationMetrics } from "../evaluation/rotation.ts";
import { openVideoService } from "../video/service.ts";
import type { JobContext } from "./job-context.ts";
import { settingOrigins } from "./setting-origins.ts";
import { usableMetrics } from "./usable-metrics.ts";

/** The page and what stands on it. */
export interface ReportResult {
  readonly file: string;
  readonly model: ReportModel;
}

interface Reported {
  readonly metrics: NamedMetric[];
  readonly table: Benchmark["table"];
}

/**
 * The benchmark's table and metrics, and those that the run was asked for besides. One that cannot be made here (its file is
 * elsewhere) is left out with a warning, so that a moved folder is still reported.
 */
const reportedBy = async (
  { records, description }: StoredEvaluation,
  warn: JobContext["warn"],
): Promise<Reported> => {
  const { benchmark, benchmarkParams } = records[0]!;
  const { value } = await benchmarkRegistry.make(benchmark, benchmarkParams);
  const { metrics: further } = (description.configuration ?? {}) as { readonly metrics?: unknown };
  const more = await usableMetrics(Array.isArray(further) ? further : [], (line) =>
    warn(`left out of the report: ${line}`),
  );
  const isTurned = records.some(({ rotation }) => rotation !== undefined);
  const metrics = await metricsFor([...value.metrics, ...more, ...(isTurned ? rotationMetrics : [])]);
  return { metrics, table: value.table };
};

/**
 * Makes `report.html` of a run folder from its records and configuration, and from nothing else: the same folder gives
 * the same page.
 *
 * @throws {RunError} when the folder is no evaluated run
 * @throws {DataFormatError} naming file and line of what is malformed
 */
export const report = async (folder: string, { signal, warn }: JobContext): Promise<ReportResult> => {
  const stored = await readEvaluation(folder);
  const reported = await reportedBy(stored, warn);
  await using frames = openVideoService();
  const model = await assembleReport(stored, { ...reported, settings: settingOrigins, frames, signal });
  const file = join(folder, evaluatedRunFiles.report);
  writeFileAtomic(file, renderReport(model));
  return { file, model };
};
