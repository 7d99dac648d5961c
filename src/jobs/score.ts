import { BenchmarkError } from "../core/errors.ts";
import type { Made } from "../core/registry.ts";
import { type Benchmark, benchmarkRegistry } from "../evaluation/benchmarks.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { withVerdicts } from "../evaluation/judged.ts";
import { metricsFor } from "../evaluation/metrics.ts";
import { namedByPosition } from "../evaluation/named-by-position.ts";
import { namedByQuestion } from "../evaluation/named-by-question.ts";
import { isAnswered, predictionSubject } from "../evaluation/prediction-subject.ts";
import { type PredictedView, type Predictions, readPredictions } from "../evaluation/predictions.ts";
import type { EvaluationRecord } from "../evaluation/records.ts";
import { scoreView, type ViewScore } from "../evaluation/score.ts";
import { type ChosenSplit, chooseSplit } from "../evaluation/splits.ts";
import { openScorers } from "./ask-scorers.ts";
import { annotationVersion, type Irregularity, irregularitiesOf, samplesOnce } from "./benchmark-samples.ts";
import type { JobContext } from "./job-context.ts";

/** What is scored against what. */
export interface ScoringRequest {
  /** `NAME`, or `NAME:key=value,...`. */
  readonly benchmark: string;
  /** The benchmark's annotation file, or a data set folder. */
  readonly annotations: string;
  /** A prediction file, or a file of our own records. */
  readonly predictions: string;
  readonly mode: "strict" | "official";
  /** Part of the benchmark; left out: what the records or the rows call held out, else everything. */
  readonly split?: string;
  /** More metrics by name, besides the benchmark's own. */
  readonly metrics?: readonly string[];
  /** Scorers outside of this program, as `NAME` or `NAME:ARGUMENT`. */
  readonly scorers?: readonly string[];
  /** Whether what scorers say is kept by content for later calls. Default true. */
  readonly cache?: boolean;
}

/** What scoring says: of the first view (the complete clip), then of every further one. */
export interface ScoreResult extends ViewScore {
  readonly benchmark: string;
  readonly mode: "strict" | "official";
  readonly subject: string;
  readonly split: string | null;
  /** Rows of other parts, by part. */
  readonly otherParts: Readonly<Record<string, number>>;
  readonly withoutPublishedAnswer: number;
  /** The published score that the benchmark's adapter reproduced; null: unverified. */
  readonly verified: string | null;
  /** What is odd in the annotations of the questions that were asked; they are scored like all others. */
  readonly irregular: readonly Irregularity[];
  /** True when answers were matched by their numbers, from 0, in the order of the annotations. */
  readonly matchedByPosition: boolean;
  /** Scored questions that the file has no answer for: wrong in `accuracy`. */
  readonly missing: number;
  /** Predictions for questions that the benchmark, or this part of it, does not have. */
  readonly unknown: number;
  /** Questions answered more than once; the first answer counts. */
  readonly repeated: number;
  /** Questions whose answer is no text; they count as missing. */
  readonly unusable: number;
  /** The questions behind these four numbers. */
  readonly ids: Readonly<Record<"missing" | "unknown" | "repeated" | "unusable", readonly string[]>>;
  readonly views: readonly ViewScore[];
  /** Metrics of the scorers that were asked. */
  readonly scorerMetrics: readonly string[];
  readonly records: readonly EvaluationRecord[];
}

/** The benchmark as it was named; what its parameters leave open is as our own records say that it was asked. */
const chooseBenchmark = async (
  named: Made<Benchmark>,
  text: string,
  { benchmark }: Predictions,
): Promise<Made<Benchmark>> =>
  benchmark === null || text.includes(":") ? named : await benchmarkRegistry.make(text, benchmark.params);

/** The rule for raw text, or for what the benchmark's own prediction files hold. */
const officialRuleOf = ({ officialRule, ownLayout }: Benchmark, { inOwnLayout }: Predictions) =>
  (inOwnLayout ? ownLayout?.officialRule : undefined) ?? officialRule;

/** Fails when a score would mean nothing: no answer belongs to a question. */
const checkMatch = (predictions: Predictions, chosen: ChosenSplit, where: string): void => {
  const [first] = predictions.views;
  const known = new Set(chosen.samples.map(({ id }) => id));
  const given = first!.answers.flatMap((answers) => [...answers.values()]);
  const shown = (ids: readonly string[]): string => ids.slice(0, 3).join(", ") || "none";
  if (!given.some(({ id }) => known.has(id)))
    throw new BenchmarkError("no prediction belongs to a question of the benchmark", {
      where,
      expected: `ids such as ${shown([...known])}${chosen.split === null ? "" : ` (part "${chosen.split}")`}`,
      got: shown(given.map(({ id }) => id)),
      hint: "give the predictions that belong to these annotations, or another --split",
    });
  const scored = new Set(chosen.samples.flatMap(({ id, answer }) => (answer === null ? [] : [id])));
  if (scored.size > 0 && !given.some(({ id }) => scored.has(id)))
    throw new BenchmarkError("no prediction belongs to a question with a published answer", {
      where,
      expected: `ids such as ${shown([...scored])}`,
      got: shown(given.map(({ id }) => id)),
    });
  if (!given.some(({ id, text }) => known.has(id) && text !== null && text.trim() !== ""))
    throw new BenchmarkError("no prediction has text", {
      where,
      expected: "an answer as text",
      got: given.find(({ reason }) => reason !== undefined)?.reason ?? `${given.length} empty texts`,
    });
};

/** Fails when a score would mean nothing: answers there are, but none is one of those that the questions ask for. */
const checkRead = ({ outcomes }: ViewScore, records: readonly EvaluationRecord[], where: string): void => {
  const { right, wrong, unread } = outcomes;
  const first = records.find(({ outcome, rawOutput }) => outcome === "unread" && rawOutput.trim() !== "");
  if (right + wrong > 0 || unread === 0 || first === undefined) return;
  const { questionId, rawOutput, options, answerKind } = first;
  throw new BenchmarkError("no answer could be read", {
    where,
    expected:
      options === null
        ? `an answer of kind "${answerKind}"`
        : `a letter or text of ${options.length} options`,
    got: `${unread} others, the first, of ${questionId}: ${JSON.stringify(rawOutput.slice(0, 60))}`,
  });
};

/** Records of one view of a prediction file; further views speak only of the questions that they have. */
const recordsOf = async (
  view: PredictedView,
  isFirst: boolean,
  { samples, split }: ChosenSplit,
  predictions: Predictions,
  benchmark: Made<Benchmark> & { readonly version: string },
  signal: AbortSignal,
): Promise<readonly EvaluationRecord[]> => {
  const officialRule = officialRuleOf(benchmark.value, predictions);
  const { records } = await evaluate({
    samples: samples.filter((sample) => isFirst || isAnswered(view, sample)),
    subject: predictionSubject(predictions),
    interventions: [{ value: () => ({ shown_T: [] }), recipe: view.intervention, isDrawn: true }],
    frames: { value: () => [], recipe: { name: "as-predicted", params: {} } },
    benchmark: { recipe: benchmark.recipe, version: benchmark.version, split },
    runId: "score",
    seed: 0,
    draws: view.draws,
    ...(officialRule === undefined ? {} : { official: officialRule }),
    batchSize: 1024,
    signal,
  });
  return records;
};

/** Everything that does not fit, by question. */
const namesOf = (
  { views, repeated, unusable }: Predictions,
  { samples }: ChosenSplit,
  records: readonly EvaluationRecord[],
): ScoreResult["ids"] => {
  const known = new Set(samples.map(({ id }) => id));
  const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
  const given = views.flatMap(({ answers }) => answers.flatMap((draw) => [...draw.keys()]));
  const knownOf = (faults: readonly { readonly id: string }[]): string[] =>
    unique(faults.map(({ id }) => id)).filter((id) => known.has(id));
  return {
    missing: unique(
      records.flatMap(({ outcome, questionId }) => (outcome === "missing" ? [questionId] : [])),
    ),
    unknown: unique(given).filter((id) => !known.has(id)),
    repeated: knownOf(repeated),
    unusable: knownOf(unusable),
  };
};

/**
 * Scores a prediction file: the file is a subject that is asked every question, its answers become records, and the
 * benchmark's metrics are made of those.
 *
 * @throws {DataFormatError} for files that cannot be read
 * @throws {BenchmarkError} when the score would mean nothing
 */
export const score = async (request: ScoringRequest, context: JobContext): Promise<ScoreResult> => {
  const { annotations, mode } = request;
  const named = await benchmarkRegistry.choose(request.benchmark);
  const read = readPredictions(request.predictions, named.value.ownLayout);
  const benchmark = await chooseBenchmark(named, request.benchmark, read);
  if (mode === "official" && benchmark.value.officialRule === undefined)
    throw new BenchmarkError("no official scoring rule", {
      where: benchmark.recipe.name,
      hint: "use --mode strict",
    });
  const all = await samplesOnce(benchmark.value, annotations);
  const predictions = namedByQuestion(namedByPosition(read, all), all, benchmark.value.ownLayout);
  const recorded = predictions.benchmark?.split ?? undefined;
  const isPart = all.some(({ split }) => split === recorded);
  const chosen = chooseSplit(all, request.split ?? (isPart ? recorded : undefined));
  checkMatch(predictions, chosen, request.predictions);
  const made = { ...benchmark, version: annotationVersion(annotations, all) };
  await using scorers = await openScorers(request.scorers ?? [], request.cache !== false, context.signal);
  const metrics = await metricsFor([
    ...benchmark.value.metrics,
    ...(request.metrics ?? []),
    ...scorers.metrics,
  ]);
  const views: ViewScore[] = [];
  const records: EvaluationRecord[] = [];
  for (const [at, view] of predictions.views.entries()) {
    const given = await recordsOf(view, at === 0, chosen, predictions, made, context.signal);
    // A view of questions that this part does not have says nothing.
    if (given.length === 0) continue;
    const rows = withVerdicts(await scorers.addTo(given, context), benchmark.value);
    records.push(...rows);
    const scored = scoreView(rows, metrics, mode);
    if (at === 0) checkRead(scored, rows, request.predictions);
    views.push(scored);
  }
  const [first, ...further] = views;
  const main = records.filter(({ intervention }) => intervention.name === first!.intervention);
  const ids = namesOf(predictions, chosen, main);
  return {
    ...first!,
    benchmark: benchmark.recipe.name,
    mode,
    subject: main[0]!.subject,
    split: chosen.split,
    otherParts: chosen.others,
    withoutPublishedAnswer: first!.outcomes.unscored,
    verified: benchmark.value.verified ?? null,
    irregular: irregularitiesOf(chosen.samples),
    matchedByPosition: predictions.byPosition,
    missing: ids.missing.length,
    unknown: ids.unknown.length,
    repeated: ids.repeated.length,
    unusable: ids.unusable.length,
    ids,
    views: further,
    scorerMetrics: scorers.metrics,
    records,
  };
};
