import { existsSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { BenchmarkError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { checkOutput } from "../core/output-place.ts";
import { benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { type ComparedRun, compareRuns, type RunComparison } from "../evaluation/compare/compare-runs.ts";
import { clipPlace, itemPictures } from "../evaluation/compare/item-pictures.ts";
import { itemsOf } from "../evaluation/compare/items.ts";
import { comparisonPage } from "../evaluation/compare/page.ts";
import { companionMetrics, metricsFor, type NamedMetric } from "../evaluation/metrics.ts";
import { type EvaluationRecord, readRecords } from "../evaluation/records.ts";
import { readEvaluation } from "../evaluation/report/read-evaluated-run.ts";
import { openVideoService } from "../video/service.ts";
import type { JobContext } from "./job-context.ts";
import { usableMetrics } from "./usable-metrics.ts";

export interface CompareRequest {
  /** Run folders of `eval` or `score --out`, or files of records. */
  readonly runs: readonly string[];
  /** An intervention's name; "complete" compares answers about the clips as they are. */
  readonly view: string;
  readonly mode: "strict" | "official";
  readonly seed: number;
  /** Where a page with every question goes; left out: none is written. */
  readonly page?: string;
  /** Questions on the page at most, and clips whose pictures are shown. */
  readonly items: number;
  readonly pictures: number;
}

/** The comparison and where its page is. */
export interface CompareResult extends RunComparison {
  readonly page: string | null;
}

interface ReadRun {
  readonly place: string;
  /** Metrics that the run was asked for besides the benchmark's. */
  readonly metrics: readonly string[];
  readonly clipFolder: string | null;
  readonly records: readonly EvaluationRecord[];
}

/** Records of a run folder, or of a file of records. */
const readRun = async (place: string): Promise<ReadRun> => {
  if (existsSync(place) && statSync(place).isDirectory()) {
    const { records, description } = await readEvaluation(place);
    const { clips, metrics } = (description.configuration ?? {}) as {
      readonly clips?: unknown;
      readonly metrics?: unknown;
    };
    return {
      place,
      records,
      metrics: Array.isArray(metrics) ? metrics.map(String) : [],
      clipFolder: typeof clips === "string" ? resolve(place, clips) : null,
    };
  }
  const records: EvaluationRecord[] = [];
  for await (const record of readRecords(place)) records.push(record);
  return { place, records, metrics: [], clipFolder: null };
};

/** One run a subject and place: a folder of several subjects is several runs. Names are the subjects', told apart by their places. */
const namedRuns = (read: readonly ReadRun[]): (ComparedRun & { readonly clipFolder: string | null })[] => {
  const runs = read.flatMap(({ place, records, clipFolder }) => {
    const subjects = [...new Set(records.map(({ subject }) => subject))];
    if (subjects.length === 0)
      throw new BenchmarkError("a run without answers", { where: place, expected: "one record or more" });
    return subjects.map((subject) => ({
      subject,
      place,
      clipFolder,
      records: records.filter((record) => record.subject === subject),
    }));
  });
  const count = (subject: string): number => runs.filter((run) => run.subject === subject).length;
  const names = runs.map(({ subject, place }) =>
    count(subject) === 1 ? subject : `${subject} (${basename(resolve(place))})`,
  );
  return runs.map(({ records, clipFolder }, at) => {
    const twice = names.indexOf(names[at]!) !== at || names.lastIndexOf(names[at]!) !== at;
    return { name: twice ? `${names[at]} ${at + 1}` : names[at]!, records, clipFolder };
  });
};

/** The benchmark's metrics, then those that every run was asked for. */
const metricsOf = async (
  { benchmark, benchmarkParams }: EvaluationRecord,
  read: readonly ReadRun[],
  warn: JobContext["warn"],
): Promise<{ readonly own: readonly NamedMetric[]; readonly all: readonly NamedMetric[] }> => {
  const { value } = await benchmarkRegistry.make(benchmark, benchmarkParams);
  const common = read[0]!.metrics.filter((name) => read.every(({ metrics }) => metrics.includes(name)));
  const usable = await usableMetrics(common, (line) => warn(`not compared: ${line}`));
  return {
    own: await metricsFor(value.metrics),
    all: await metricsFor([...value.metrics, ...usable]),
  };
};

/**
 * Compares runs on their common questions and writes a page with every question.
 *
 * @throws {BenchmarkError} for runs that have nothing in common
 * @throws {RunError} for a folder that is no evaluated run
 */
export const compare = async (
  request: CompareRequest,
  { signal, warn }: JobContext,
): Promise<CompareResult> => {
  const { page } = request;
  if (page !== undefined) checkOutput(page, "file");
  const read = await Promise.all(request.runs.map(readRun));
  const runs = namedRuns(read);
  const metrics = await metricsOf(runs[0]!.records[0]!, read, warn);
  const first = metrics.own[0]!.name;
  const comparison = compareRuns(runs, {
    ...request,
    headline: first === "accuracy" ? null : first,
    metrics: metrics.all.filter(({ name }) => name !== "accuracy" && !companionMetrics.includes(name)),
  });
  if (page === undefined) return { ...comparison, page: null };
  const all = itemsOf(runs);
  const items = all.slice(0, request.items);
  const folders = new Map(runs.map(({ name, clipFolder }) => [name, clipFolder]));
  await using frames = openVideoService();
  const placeOf = clipPlace((run) => folders.get(run) ?? null);
  const pictures = await itemPictures(items, placeOf, frames, request.pictures, signal);
  writeFileAtomic(page, comparisonPage({ comparison, items, questions: all.length, pictures }));
  return { ...comparison, page };
};
