import { type TwinView, twinView } from "../absent/twin-view.ts";
import { assert, InternalError, messageOf, VideoPerceiverError } from "../core/errors.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
import { seededRandom } from "../core/random.ts";
import type { Made, MadeBy } from "../core/registry.ts";
import { questionText } from "../dataset/question.ts";
import type { OfficialRule } from "../grading/official.ts";
import { type BenchmarkSample, clusterOf } from "./benchmarks.ts";
import { byClip } from "./clip-pictures.ts";
import type { ChosenIntervention, View } from "./interventions.ts";
import { judge } from "./judge.ts";
import { type EvaluationRecord, RECORD_SCHEMA } from "./records.ts";
import type { Answer, AnswerRequest, Subject } from "./subject.ts";

/** What is asked, of whom, and how it is shown. */
export interface EvaluateOptions<S extends BenchmarkSample = BenchmarkSample> {
  readonly samples: readonly S[];
  readonly subject: Subject;
  readonly interventions: readonly ChosenIntervention[];
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
  /** Repetitions of interventions that draw (random-removal wants 5 or more); the others are asked once. Default 1. */
  readonly draws?: number;
  /** Also score by a benchmark's own rule. */
  readonly official?: OfficialRule;
  readonly batchSize?: number;
  /** Batches that are asked at the same time. Default 1: one after the other. */
  readonly concurrency?: number;
  /** Asks all questions about a clip together, so that it is decoded once. Left out: intervention by intervention. */
  readonly clipByClip?: boolean;
  /** Records of an earlier call; what they answer is not asked again. */
  readonly recorded?: readonly EvaluationRecord[];
  /** Why nothing can be shown of a sample's clip; such questions fail without being asked, unless asked blind. */
  readonly unreadable?: (sample: S) => string | undefined;
  /** Why the subject cannot be shown a view; such questions count as not applicable. */
  readonly refuses?: (view: View) => string | undefined;
  /** Told what will be asked, before the first question is. */
  readonly onPlanned?: (requests: readonly AnswerRequest[]) => void;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Called with each record as it is made, e.g. to write it. */
  readonly onRecord?: (record: EvaluationRecord) => void;
}

/** Records, and the questions that an intervention could not show. */
export interface EvaluationResult {
  readonly records: readonly EvaluationRecord[];
  readonly notApplicable: readonly {
    readonly questionId: string;
    readonly intervention: string;
    /** Why the subject cannot be shown it; left out: the clip or the question has nothing of the kind. */
    readonly reason?: string;
  }[];
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
  const notApplicable: EvaluationResult["notApplicable"][number][] = [];
  for (const { value: intervene, recipe, isDrawn } of interventions)
    for (let draw = 0; draw < (isDrawn ? (options.draws ?? 1) : 1); draw++)
      samples.forEach((sample, index) => {
        const partner = partners[index] ?? null;
        const positions_T = frames.value(sample);
        const random = seededRandom(seed, sample.rotation?.of ?? sample.id, recipe.name, draw);
        const view = intervene({
          sample,
          twin: twins[index]!,
          positions_T,
          random,
          partner: partner === null ? null : { sample: partner, positions_T: frames.value(partner) },
        });
        const reason = view === null ? undefined : options.refuses?.(view);
        if (view === null || reason !== undefined) {
          const why = reason === undefined ? {} : { reason };
          if (draw === 0) notApplicable.push({ questionId: sample.id, intervention: recipe.name, ...why });
          return;
        }
        const shown = view.clip === undefined || partner === null ? {} : { shownSample: partner };
        requests.push({ sample, positions_T, view, ...shown, intervention: recipe, draw });
      });
  return { requests, notApplicable };
};

/** What tells the records of one run apart. */
export const recordKey = (questionId: string, intervention: MadeBy, draw: number): string =>
  JSON.stringify([questionId, intervention.name, intervention.params, draw]);

/** Runs `work` on each item, at most `concurrency` at a time; after a failure nothing new is begun. */
const inParallel = async <T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length)
      try {
        await work(items[next++]!);
      } catch (error) {
        next = items.length;
        throw error;
      }
  };
  const lanes = Array.from({ length: Math.min(concurrency, items.length) }, lane);
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
};

/**
 * Asks every sample's question under every intervention and grades the answers. Failed questions are records with
 * `finishReason` "error" and count as wrong. The same seed shows the same frames, whatever the order of samples.
 *
 * @returns records in the order of interventions, draws and samples, those of an earlier call among them
 * @throws an `AbortError` between batches when the signal says so; records made so far went to `onRecord`
 */
export const evaluate = async <S extends BenchmarkSample>(
  options: EvaluateOptions<S>,
): Promise<EvaluationResult> => {
  const { subject, batchSize = 32, concurrency = 1, progress = silentProgress, signal } = options;
  const { requests, notApplicable } = requestsOf(options, await twinsOf(options.samples));
  const keyOf = ({ sample, intervention, draw }: AnswerRequest): string =>
    recordKey(sample.id, intervention, draw);
  const records = new Map(
    (options.recorded ?? []).map((one) => [recordKey(one.questionId, one.intervention, one.draw), one]),
  );
  const add = (request: AnswerRequest, answer: Answer): void => {
    const record = recordOf(options, request, answer);
    records.set(keyOf(request), record);
    options.onRecord?.(record);
  };
  const open = requests.filter((request) => !records.has(keyOf(request)));
  const asked = open.filter((request) => {
    const shown = (request.shownSample ?? request.sample) as S;
    const why = request.view.withoutVideo === true ? undefined : options.unreadable?.(shown);
    if (why !== undefined) add(request, { text: "", finishReason: "error", error: why });
    return why === undefined;
  });
  const ordered = options.clipByClip === true ? byClip(asked) : asked;
  options.onPlanned?.(ordered);
  const batches = Array.from({ length: Math.ceil(ordered.length / batchSize) }, (_, at) =>
    ordered.slice(at * batchSize, (at + 1) * batchSize),
  );
  let done = 0;
  await inParallel(batches, concurrency, async (batch) => {
    signal?.throwIfAborted();
    const answers = await ask(subject, batch, signal);
    batch.forEach((request, i) => {
      add(request, answers[i]!);
    });
    done += batch.length;
    progress.update(done, ordered.length, subject.name);
  });
  return { records: requests.map((request) => records.get(keyOf(request))!), notApplicable };
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
    ...(positions_T.length > 0 && { clipFile: sample.clip.file }),
    skill: sample.skill ?? "all",
    ...(sample.groups && { groups: sample.groups }),
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
    ...(view.dropped_T && { droppedPositions: view.dropped_T.flatMap((is, t) => (is ? [t] : [])) }),
    ...(view.toldAs_T && { toldPositions: view.toldAs_T }),
    shownVideoId: shownSample === undefined ? null : (shownSample.clip.sha256 ?? shownSample.clip.file),
    prompt: subject.prompt?.(sample) ?? questionText(sample),
    options: sample.options ?? null,
    ...(sample.rotation && { rotation: sample.rotation }),
    rawOutput: answer.text,
    finishReason: answer.finishReason,
    error: answer.error ?? null,
    gold: sample.answer,
    ...judge(sample, answer, options.official),
    latencyMilliseconds: answer.latencyMilliseconds ?? null,
    attempts: answer.attempts ?? 1,
    ...(answer.usage && { usage: answer.usage }),
    ...(answer.optionProbabilities && { optionProbabilities: answer.optionProbabilities }),
  };
};
