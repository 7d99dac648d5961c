import { join } from "node:path";
import { writeFileAtomic } from "../core/files.ts";
import { benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { metricsFor, type NamedMetric } from "../evaluation/metrics.ts";
import { assembleReport } from "../evaluation/report/assemble.ts";
import { evaluatedRunFiles } from "../evaluation/report/description.ts";
import type { ReportModel } from "../evaluation/report/model.ts";
import { readEvaluation, type StoredEvaluation } from "../evaluation/report/read-evaluated-run.ts";
import { renderReport } from "../evaluation/report/render.ts";
import { openVideoService } from "../video/service.ts";
import type { JobContext } from "./job-context.ts";
import { settingOrigins } from "./setting-origins.ts";

/** The page and what stands on it. */
export interface ReportResult {
  readonly file: string;
  readonly model: ReportModel;
}

/** The benchmark's metrics, and those that the run was asked for besides. */
const metricsOf = async ({ records, description }: StoredEvaluation): Promise<NamedMetric[]> => {
  const { benchmark, benchmarkParams } = records[0]!;
  const { value } = await benchmarkRegistry.make(benchmark, benchmarkParams);
  const { metrics } = (description.configuration ?? {}) as { readonly metrics?: unknown };
  const more = Array.isArray(metrics) ? metrics.filter((one) => typeof one === "string") : [];
  return await metricsFor([...value.metrics, ...more]);
};

/**
 * Makes `report.html` of a run folder from its records and configuration, and from nothing else: the same folder gives
 * the same page.
 *
 * @throws {RunError} when the folder is no evaluated run
 * @throws {DataFormatError} naming file and line of what is malformed
 */
export const report = async (folder: string, { signal }: JobContext): Promise<ReportResult> => {
  const stored = await readEvaluation(folder);
  const metrics = await metricsOf(stored);
  await using frames = openVideoService();
  const model = await assembleReport(stored, { metrics, settings: settingOrigins, frames, signal });
  const file = join(folder, evaluatedRunFiles.report);
  writeFileAtomic(file, renderReport(model));
  return { file, model };
};
