import { BenchmarkError } from "../../core/errors.ts";
import { underOfficialRule } from "../judge.ts";
import type { NamedMetric } from "../metrics.ts";
import { correctness, type EvaluationRecord, recipeText, scoredRecords } from "../records.ts";
import type { RowDifference } from "../report/model.ts";
import { compareRows } from "../report/summarise.ts";
import { accuracyOf } from "../score.ts";
import type { Estimate } from "../statistics/estimate.ts";
import { questionsNeeded } from "../statistics/paired.ts";
import { type MetricDifference, metricDifferences } from "./metric-differences.ts";

/** The records of one run under a name that no other run has. */
export interface ComparedRun {
  readonly name: string;
  readonly records: readonly EvaluationRecord[];
}

/** A paired difference, and how many questions would show one of its size. */
export interface RunDifference extends RowDifference {
  /** Questions that would show it in four of five repetitions; null when there is no difference. */
  readonly needed: number | null;
  /** Questions that only one of the two was asked. */
  readonly notCommon: number;
  /** The other metrics, the benchmark's first one in front. */
  readonly metrics: readonly MetricDifference[];
}

/**
 * What a difference is judged by: the benchmark's first metric, or accuracy. Positive is better.
 *
 * @returns null where that metric is not defined for one of the two
 */
export const verdictOf = (
  { difference, metrics }: RunDifference,
  headline: string | null,
): Pick<Estimate, "value" | "low" | "high"> | null => {
  if (headline === null) return difference;
  const found = metrics.find(({ name }) => name === headline);
  if (!found?.difference || found.moreIsBetter) return found?.difference ?? null;
  const { value, low, high } = found.difference;
  return { value: -value, low: -high, high: -low };
};

/** What runs say beside each other. */
export interface RunComparison {
  readonly benchmark: string;
  readonly view: string;
  readonly mode: "strict" | "official";
  readonly rows: readonly { readonly name: string; readonly accuracy: Estimate }[];
  /** Every later run minus every earlier one. */
  readonly differences: readonly RunDifference[];
  /** The benchmark's first metric, where that is another one than accuracy: what says which run is better. */
  readonly headline: string | null;
  /** False where answers are texts that only the benchmark's metrics compare: nobody is right or wrong then. */
  readonly isGraded: boolean;
  /** Why the numbers may not belong together. */
  readonly cautions: readonly string[];
}

/** A run's records of one view, judged by one rule. */
const viewOf = (
  { name, records }: ComparedRun,
  view: string,
  mode: RunComparison["mode"],
): readonly EvaluationRecord[] => {
  const scored = scoredRecords(records).filter(
    ({ intervention }) => intervention.name === view || recipeText(intervention) === view,
  );
  if (scored.length === 0)
    throw new BenchmarkError("a run without such answers", {
      where: name,
      expected: `records shown as "${view}"`,
      got: [...new Set(records.map(({ intervention }) => recipeText(intervention)))].join(", ") || "none",
    });
  return (mode === "strict" ? scored : scored.map(underOfficialRule)).map((record) => ({
    ...record,
    subject: name,
    intervention: { name: view, params: {} },
  }));
};

const cautionsOf = (runs: readonly ComparedRun[]): string[] => {
  const different = (of: (record: EvaluationRecord) => unknown): boolean =>
    new Set(runs.map(({ records }) => JSON.stringify(of(records[0]!)))).size > 1;
  return [
    ...(different(({ benchmarkVersion }) => benchmarkVersion)
      ? ["the runs were asked from different annotations; only questions that both have are compared"]
      : []),
    ...(different(({ framePolicy }) => framePolicy) ? ["the runs were shown different frames"] : []),
    ...(different(({ decoding }) => decoding) ? ["the runs draw their answers differently"] : []),
  ];
};

/**
 * Compares runs on the questions that they have in common: paired differences with intervals clustered by clip, a
 * sign-flip test over clips adjusted by Holm over all pairs, and McNemar's test.
 *
 * @throws {BenchmarkError} for runs of different benchmarks, without such a view, or without a common question
 */
export const compareRuns = (
  runs: readonly ComparedRun[],
  {
    view,
    mode,
    seed,
    metrics = [],
    headline = null,
  }: {
    readonly view: string;
    readonly mode: RunComparison["mode"];
    readonly seed: number;
    /** Compared besides accuracy. */
    readonly metrics?: readonly NamedMetric[];
    readonly headline?: string | null;
  },
): RunComparison => {
  const benchmarks = [...new Set(runs.map(({ records }) => records[0]!.benchmark))];
  if (benchmarks.length > 1)
    throw new BenchmarkError("runs of different benchmarks", {
      expected: "runs of one",
      got: benchmarks.join(", "),
    });
  const views = runs.map((run) => viewOf(run, view, mode));
  const rows = runs.map(({ name }, at) => ({ name, accuracy: accuracyOf(correctness(views[at]!))! }));
  const selection = ({ name }: ComparedRun) => ({ name, note: "", subject: name, complete: view });
  const pairs = runs.flatMap((late, at) => runs.slice(0, at).map((early) => [late, early] as const));
  const made = compareRows(
    views.flat(),
    pairs.map(([late, early]) => [selection(late), selection(early)] as const),
    seed,
  );
  if (made.length < pairs.length)
    throw new BenchmarkError("runs without a common question", {
      expected: "answers to the same questions",
      got: runs.map(({ name }, at) => `${name}: ${views[at]![0]!.questionId}`).join("; "),
    });
  const asked = new Map(
    runs.map(({ name }, at) => [name, new Set(views[at]!.map(({ questionId }) => questionId))]),
  );
  const byName = new Map(runs.map(({ name }, at) => [name, views[at]!]));
  return {
    headline,
    isGraded: headline === null || views.flat().some(({ answerKind }) => answerKind !== "open"),
    benchmark: benchmarks[0]!,
    view,
    mode,
    rows,
    differences: made.map((one) => {
      const [of, against] = [asked.get(one.of)!, asked.get(one.against)!];
      const { value, questions } = one.difference;
      return {
        ...one,
        needed: questionsNeeded(value, questions, one.detectable),
        notCommon: of.size + against.size - 2 * questions,
        metrics: metricDifferences(byName.get(one.of)!, byName.get(one.against)!, metrics),
      };
    }),
    cautions: cautionsOf(runs),
  };
};
