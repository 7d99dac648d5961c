import { join } from "node:path";
import { cacheRoot } from "../../core/cache-root.ts";
import { BenchmarkError, ConfigError } from "../../core/errors.ts";
import { makeFolder } from "../../core/files.ts";
import { checkOutput } from "../../core/output-place.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { type ChosenIntervention, chooseIntervention } from "../../evaluation/interventions.ts";
import { checkJudge, withVerdicts } from "../../evaluation/judged.ts";
import { metricsFor, type NamedMetric } from "../../evaluation/metrics.ts";
import { standardPrompt } from "../../evaluation/prompt.ts";
import { type EvaluationRecord, recipeText } from "../../evaluation/records.ts";
import { evaluatedRunFiles, writeEvaluatedRun } from "../../evaluation/report/description.ts";
import type { ReportModel } from "../../evaluation/report/model.ts";
import { rotateOptions, rotationMetrics } from "../../evaluation/rotation.ts";
import { scoreView, type ViewScore } from "../../evaluation/score.ts";
import { type OpenedSubject, type SubjectEstimate, subjectRegistry } from "../../evaluation/subject.ts";
import { takeRunLock } from "../../runs/run-lock.ts";
import { frameSelectors } from "../../selection/selectors.ts";
import { openScorers } from "../ask-scorers.ts";
import type { Irregularity } from "../benchmark-samples.ts";
import { type Clips, openClips } from "../clips.ts";
import type { JobContext } from "../job-context.ts";
import { report } from "../report.ts";
import { timeLeftOf } from "../time-left.ts";
import { aboutTime } from "../timetable.ts";
import { describeEval, evalJournal, withEarlierComputed, writeEvalJournal } from "./describe.ts";
import { findTwins } from "./find-twins.ts";
import { countViews, tellRefused } from "./not-shown.ts";
import { seeingModels } from "./open-seeing-model.ts";
import { type AskedQuestions, readQuestions } from "./questions.ts";
import { RecordLog } from "./record-log.ts";
import type { EvalRequest } from "./request.ts";
import { lookAtClips, lookAtNothing, type ShownQuestions } from "./show.ts";

/** What `eval` says: the complete clips first, then every other view. */
export interface EvalResult {
  readonly benchmark: string;
  readonly subject: string;
  readonly split: string | null;
  readonly mode: "strict" | "official";
  readonly verified: string | null;
  /** Whether answers are right or wrong; false where only metrics compare open answers with their references. */
  readonly isGraded: boolean;
  readonly views: readonly (ViewScore & { readonly label: string })[];
  readonly row: ReportModel["rows"][number] | null;
  readonly differences: ReportModel["differences"];
  /** Questions that a view could not show, by view. */
  readonly notApplicable: Readonly<Record<string, number>>;
  readonly clips: number;
  readonly unreadableClips: readonly { readonly file: string; readonly reason: string }[];
  readonly irregular: readonly Irregularity[];
  /** Answers that this call asked for, and those that were there before. */
  readonly asked: number;
  readonly known: number;
  readonly estimate: SubjectEstimate | null;
  readonly report: string;
}

/** The questions with their options turned. @throws {ConfigError} for a subject that is not asked, or asked without options */
const turnedQuestions = (questions: AskedQuestions, subject: OpenedSubject): AskedQuestions => {
  const { samples, fixed } = rotateOptions(questions.samples, subject.prompt ?? (() => ""));
  if (samples.length === questions.samples.length)
    throw new ConfigError("no question can be asked with its options turned", {
      where: `--rotate-options, subject ${subject.name}`,
      expected: "choices whose options the subject is told",
      got: fixed.map(({ what, ids }) => `${what}: ${ids.length}`).join("; "),
    });
  return { ...questions, samples, irregular: [...questions.irregular, ...fixed] };
};

/** Every view once, the complete clip among them. @throws {ConfigError} for one that is named twice */
const chooseViews = async (names: readonly string[]): Promise<ChosenIntervention[]> => {
  const wanted = names.includes("complete") ? names : ["complete", ...names];
  const made = await Promise.all(wanted.map(chooseIntervention));
  const texts = made.map(({ recipe }) => recipeText(recipe));
  const twice = texts.find((text, at) => texts.indexOf(text) !== at);
  if (twice !== undefined) throw new ConfigError("an intervention stands twice", { got: twice });
  return made;
};

/** One line before the first question: how much there is to ask, and what it will take. */
const announce = (
  context: JobContext,
  requests: number,
  known: number,
  estimate: SubjectEstimate | undefined,
): void => {
  const before = known === 0 ? "" : ` (${known} are answered already)`;
  const cost =
    estimate === undefined || estimate.cost === 0 ? "" : `, cost about ${estimate.cost.toFixed(2)}`;
  const time =
    estimate === undefined || estimate.leastSeconds === 0
      ? ""
      : `, at least ${aboutTime(estimate.leastSeconds)} at the rate that was given`;
  const tokens =
    estimate === undefined
      ? ""
      : `: at most about ${estimate.promptTokens.toLocaleString("en-US")} tokens in, ${estimate.completionTokens.toLocaleString("en-US")} out${cost}${time}`;
  context
    .progress("to ask", "answers")
    .log(`${requests.toLocaleString("en-US")} questions to ask${before}${tokens}`);
};

const lookAt = async (
  request: EvalRequest,
  questions: AskedQuestions,
  subject: OpenedSubject,
  clips: Clips,
  context: JobContext,
): Promise<ShownQuestions> => {
  if (!subject.looks) return lookAtNothing(questions.samples);
  const made = await frameSelectors.choose(request.selector);
  const progress = timeLeftOf(context.progress("clips", "clips"));
  const shown = await lookAtClips(
    questions.samples,
    questions.clipFolder,
    clips,
    subject,
    { made, frames: request.frames },
    { signal: context.signal, progress },
  );
  const [first] = shown.faults;
  if (first !== undefined)
    context.warn(
      `${shown.faults.length} of ${shown.clips} clips cannot be shown; their questions fail and count as wrong; the first: ${first.file}: ${first.reason}`,
    );
  return request.twins === undefined
    ? shown
    : await findTwins(shown, questions.clipFolder, request.twins, clips, context);
};

const openSubject = async (
  request: EvalRequest,
  { benchmark, clipFolder }: AskedQuestions,
  clips: Clips,
  context: JobContext,
): Promise<OpenedSubject> => {
  const { value: open } = await subjectRegistry.choose(request.subject);
  const { ownLayout, prompt = standardPrompt } = benchmark.value;
  return await open({
    frames: clips.video,
    video: clips.direct,
    clipFolder,
    prompt,
    ...(ownLayout && { ownLayout }),
    openModel: seeingModels(request.engine, context),
    ...(request.clips.cache ? { answersFolder: join(cacheRoot(), "answers") } : {}),
    seed: request.seed,
    warn: (line) => context.warn(line),
  });
};

/** Whether the subject said something, however it is scored: what a refusing endpoint sends back is no answer. */
const wasAnswered = ({ finishReason }: EvaluationRecord): boolean =>
  finishReason === "stop" || finishReason === "length";

/** Fails when a score would mean nothing: nobody answered. @throws {BenchmarkError} */
const checkAnswered = (records: readonly EvaluationRecord[], out: string): void => {
  if (records.length === 0)
    throw new BenchmarkError("no question could be asked", {
      where: out,
      hint: "choose other interventions",
    });
  if (records.some(wasAnswered)) return;
  const [{ outcome, error }] = records as [EvaluationRecord];
  throw new BenchmarkError("no question was answered, so there is no score", {
    where: out,
    expected: "one answer or more",
    got: `${records.length} questions ${outcome}, the first because: ${error ?? "it said nothing"}`,
    hint: "mend that and run it again with --retry-failed",
  });
};

const benchmarkFacts = (
  { benchmark, split, irregular }: AskedQuestions,
  { mode }: EvalRequest,
): Pick<EvalResult, "benchmark" | "split" | "mode" | "verified" | "irregular"> => ({
  benchmark: benchmark.recipe.name,
  split,
  mode,
  verified: benchmark.value.verified ?? null,
  irregular,
});

/** Scores of every view, the complete one first. */
const scoreViews = (
  records: readonly EvaluationRecord[],
  metrics: readonly NamedMetric[],
  { mode }: EvalRequest,
): EvalResult["views"] => {
  const byView = Map.groupBy(records, ({ intervention }) => recipeText(intervention));
  return [...byView].map(([label, rows]) => ({
    label,
    ...scoreView(rows, metrics, mode),
  }));
};

/** The benchmark's metrics, and those that are asked for besides. */
const metricsOf = (
  { benchmark }: AskedQuestions,
  metrics: readonly string[],
  { rotateOptions }: EvalRequest,
): Promise<NamedMetric[]> =>
  metricsFor([...benchmark.value.metrics, ...metrics, ...(rotateOptions ? rotationMetrics : [])]);

/**
 * Asks a subject a benchmark's questions under interventions and writes a run folder: configuration, records, journal,
 * report. A call that was stopped or killed goes on where it was.
 *
 * @throws {RunError} when the folder holds another run, or another process writes it
 */
export const evaluateSubject = async (request: EvalRequest, context: JobContext): Promise<EvalResult> => {
  const { out } = request;
  checkOutput(out, "folder");
  const views = await chooseViews(request.interventions);
  const read = await readQuestions(request);
  await using scorers = await openScorers(request.scorers, request.clips.cache, context.signal);
  const computed = withEarlierComputed(request, scorers.metrics);
  checkJudge(read.benchmark, scorers.names, computed.scorers);
  const metrics = await metricsOf(read, [...computed.metrics, ...scorers.metrics], request);
  await using clips = openClips(request.clips, (line) => context.warn(line));
  await using subject = await openSubject(request, read, clips, context);
  const questions = request.rotateOptions ? turnedQuestions(read, subject) : read;
  makeFolder(join(out, evaluatedRunFiles.records));
  const lock = takeRunLock(out);
  const log = new RecordLog(join(out, evaluatedRunFiles.records, "records.jsonl"));
  try {
    writeEvaluatedRun(
      out,
      describeEval({ ...request, ...computed }, questions, subject, views, scorers.metrics),
    );
    const shown = await lookAt(request, questions, subject, clips, context);
    const before = (await log.before()).filter((record) => !request.retryFailed || wasAnswered(record));
    let estimate: SubjectEstimate | undefined;
    let asked = 0;
    const started = nowMilliseconds();
    const { benchmark, version, split } = questions;
    const result = await evaluate({
      samples: shown.samples,
      subject,
      interventions: views,
      frames: { value: shown.positions, recipe: shown.framePolicy },
      benchmark: { recipe: benchmark.recipe, version, split },
      runId: subject.name,
      seed: request.seed,
      draws: request.draws,
      ...(benchmark.value.officialRule && { official: benchmark.value.officialRule }),
      batchSize: 1,
      concurrency: subject.concurrency ?? 1,
      clipByClip: true,
      recorded: before,
      unreadable: shown.unreadable,
      refuses: (view) => subject.refuses?.(view),
      onPlanned: (requests) => {
        subject.plan?.(requests);
        estimate = subject.estimate?.(requests);
        asked = requests.length;
        announce(context, asked, before.length, estimate);
      },
      signal: context.signal,
      progress: timeLeftOf(context.progress(subject.name, "answers")),
      onRecord: (record) => log.add(record),
    });
    log.finish(result.records);
    tellRefused(result, context);
    checkAnswered(result.records, out);
    const records = withVerdicts(await scorers.addTo(result.records, context), benchmark.value);
    if (records !== result.records) log.finish(records);
    const seconds = (nowMilliseconds() - started) / 1000;
    writeEvalJournal(out, evalJournal(result, shown, questions, { seconds, asked }));
    const { file, model } = await report(out, context);
    return {
      ...benchmarkFacts(questions, request),
      subject: subject.name,
      isGraded: model.isGraded !== false,
      views: scoreViews(records, metrics, request),
      row: model.rows.find(({ name }) => name === subject.name) ?? null,
      differences: model.differences,
      notApplicable: countViews(result),
      clips: shown.clips,
      unreadableClips: shown.faults,
      asked,
      known: before.length,
      estimate: estimate ?? null,
      report: file,
    };
  } finally {
    log.close();
    lock.release();
  }
};
