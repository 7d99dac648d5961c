import { type TwinView, twinView } from "../absent/twin-view.ts";
import { assert, InternalError, messageOf, VideoPerceiverError } from "../core/errors.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
import { seededRandom } from "../core/random.ts";
import type { Made, MadeBy } from "../core/registry.ts";
import { questionText } from "../dataset/question.ts";
import type { OfficialRule } from "../grading/official.ts";
import { type BenchmarkSample, clusterOf } from "./benchmarks.ts";
import type { Intervention } from "./interventions.ts";
import { judge } from "./judge.ts";
import { type EvaluationRecord, RECORD_SCHEMA } from "./records.ts";
import type { Answer, AnswerRequest, Subject } from "./subject.ts";

/** What is asked, of whom, and how it is shown. */
export interface EvaluateOptions<S extends BenchmarkSample = BenchmarkSample> {
  readonly samples: readonly S[];
  readonly subject: Subject;
  readonly interventions: readonly Made<Intervention>[];
  /** Which source frames a sample's positions are; recorded with every answer. */
  readonly frames: Made<(sample: S) => readonly number[]>;
  readonly benchmark: {
    readonly recipe: MadeBy;
    /** Hash of the annotations. */
    readonly version: string;
    readonly split: string | null;
  };
  readonly runId: string;
  readonly seed: number;
  /** Repetitions of interventions named here (random-removal wants 5 or more); 1 for the others. */
  readonly draws?: Readonly<Record<string, number>>;
  /** Also score by a benchmark's own rule. */
  readonly official?: OfficialRule;
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Called with each record as it is made, e.g. to write it. */
  readonly onRecord?: (record: EvaluationRecord) => void;
}

/** Records, and the questions that an intervention could not show. */
export interface EvaluationResult {
  readonly records: readonly EvaluationRecord[];
  readonly notApplicable: readonly { readonly questionId: string; readonly intervention: string }[];
}

/** For each sample the next one of another clip, in a seeded order; null when all are of one clip. */
const partnersOf = <S extends BenchmarkSample>(samples: readonly S[], seed: number): (S | null)[] => {
  const order = seededRandom(seed, "partners").shuffled(samples.map((_, index) => index));
  const partners = new Array<S | null>(samples.length).fill(null);
  order.forEach((index, rank) => {
    const own = clusterOf(samples[index]!);
    for (let step = 1; step < order.length; step++) {
      const candidate = samples[order[(rank + step) % order.length]!]!;
      if (clusterOf(candidate) === own) continue;
      partners[index] = candidate;
      break;
    }
  });
  return partners;
};

const failed = (error: unknown): Answer => ({ text: "", finishReason: "error", error: messageOf(error) });

/** Answers of a batch; when the batch fails as a whole, its questions are asked one by one. */
const ask = async (
  subject: Subject,
  batch: readonly AnswerRequest[],
  signal: AbortSignal | undefined,
): Promise<readonly Answer[]> => {
  try {
    const answers = await subject.answer(batch, signal);
    if (answers.length !== batch.length)
      throw new InternalError(
        `subject ${subject.name} gave ${answers.length} answers to ${batch.length} questions`,
      );
    return answers;
  } catch (error) {
    if (!(error instanceof VideoPerceiverError)) throw error;
    if (batch.length === 1) return [failed(error)];
    const answers: Answer[] = [];
    for (const request of batch) answers.push(...(await ask(subject, [request], signal)));
    return answers;
  }
};

/** What the absent twins show; null for a sample without one. @throws {ConfigError} for a twin that cannot be shown */
const twinsOf = (samples: readonly BenchmarkSample[]): Promise<(TwinView | null)[]> =>
  Promise.all(samples.map(({ absent }) => (absent === undefined ? null : twinView(absent))));

/** Everything that is asked, intervention by intervention, and what an intervention could not show. */
const requestsOf = <S extends BenchmarkSample>(
  options: EvaluateOptions<S>,
  twins: readonly (TwinView | null)[],
): { readonly requests: AnswerRequest[]; readonly notApplicable: EvaluationResult["notApplicable"] } => {
  const { samples, interventions, frames, seed } = options;
  const partners = partnersOf(samples, seed);
  const requests: AnswerRequest[] = [];
  const notApplicable: { questionId: string; intervention: string }[] = [];
  for (const { value: intervene, recipe } of interventions)
    for (let draw = 0; draw < (options.draws?.[recipe.name] ?? 1); draw++)
      samples.forEach((sample, index) => {
        const partner = partners[index] ?? null;
        const positions_T = frames.value(sample);
        const random = seededRandom(seed, sample.id, recipe.name, draw);
        const view = intervene({
          sample,
          twin: twins[index]!,
          positions_T,
          random,
          partner: partner === null ? null : { sample: partner, positions_T: frames.value(partner) },
        });
        if (view === null) {
          if (draw === 0) notApplicable.push({ questionId: sample.id, intervention: recipe.name });
          return;
        }
        const shown = view.clip === undefined || partner === null ? {} : { shownSample: partner };
        requests.push({ sample, positions_T, view, ...shown, intervention: recipe, draw });
      });
  return { requests, notApplicable };
};

/**
 * Asks every sample's question under every intervention and grades the answers. Failed questions are records with
 * `finishReason` "error" and count as wrong. The same seed shows the same frames, whatever the order of samples.
 *
 * @throws an `AbortError` between batches when the signal says so; records made so far went to `onRecord`
 */
export const evaluate = async <S extends BenchmarkSample>(
  options: EvaluateOptions<S>,
): Promise<EvaluationResult> => {
  const { subject, batchSize = 32, progress = silentProgress, signal } = options;
  const { requests, notApplicable } = requestsOf(options, await twinsOf(options.samples));
  const records: EvaluationRecord[] = [];
  for (let at = 0; at < requests.length; at += batchSize) {
    signal?.throwIfAborted();
    const batch = requests.slice(at, at + batchSize);
    const answers = await ask(subject, batch, signal);
    batch.forEach((request, i) => {
      const record = recordOf(options, request, answers[i]!);
      records.push(record);
      options.onRecord?.(record);
    });
    progress.update(Math.min(requests.length, at + batchSize), requests.length, subject.name);
  }
  return { records, notApplicable };
};

const recordOf = <S extends BenchmarkSample>(
  options: EvaluateOptions<S>,
  request: AnswerRequest,
  answer: Answer,
): EvaluationRecord => {
  const { benchmark, subject } = options;
  const { sample, positions_T, view, shownSample } = request;
  const { timeline = [] } = sample.clip;
  const times = new Map(timeline.map((frame) => [frame.index as number, frame.timeSeconds as number]));
  return {
    schema: RECORD_SCHEMA,
    runId: options.runId,
    benchmark: benchmark.recipe.name,
    benchmarkParams: benchmark.recipe.params,
    benchmarkVersion: benchmark.version,
    split: benchmark.split,
    questionId: sample.id,
    videoId: clusterOf(sample),
    skill: sample.skill ?? "all",
    answerKind: sample.answerKind,
    subject: subject.name,
    subjectRecipe: subject.recipe ?? null,
    decoding: subject.decoding ?? null,
    intervention: request.intervention,
    draw: request.draw,
    framePolicy: options.frames.recipe,
    frameIndices: positions_T,
    frameTimesSeconds: positions_T.map((frame) => {
      const time = times.get(frame);
      assert(time !== undefined, `frame ${frame} is not in the timeline of ${sample.id}`);
      return time;
    }),
    shownFrames: view.shown_T,
    ...(view.painted && {
      painted: { by: view.painted.by, positions: view.painted.at_T.flatMap((is, t) => (is ? [t] : [])) },
    }),
    shownVideoId: shownSample === undefined ? null : (shownSample.clip.sha256 ?? shownSample.clip.file),
    prompt: questionText(sample),
    options: sample.options ?? null,
    rawOutput: answer.text,
    finishReason: answer.finishReason,
    error: answer.error ?? null,
    gold: sample.answer,
    ...judge(sample, answer, options.official),
    latencyMilliseconds: answer.latencyMilliseconds ?? null,
    attempts: answer.attempts ?? 1,
  };
};
