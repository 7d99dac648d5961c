import { twinView } from "../absent/twin-view.ts";
import { assert, InternalError, messageOf, VideoPerceiverError } from "../core/errors.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
import { seededRandom } from "../core/random.ts";
import type { Made, Recipe } from "../core/registry.ts";
import type { Sample } from "../dataset/sample.ts";
import { gradeAnswer } from "../grading/grade-answer.ts";
import type { OfficialRule } from "../grading/official.ts";
import type { Intervention } from "./interventions.ts";
import { type EvaluationRecord, RECORD_SCHEMA } from "./records.ts";
import type { Answer, AnswerRequest, Subject } from "./subject.ts";

/** What is asked, of whom, and how it is shown. */
export interface EvaluateOptions {
  readonly samples: readonly Sample[];
  readonly subject: Subject;
  readonly interventions: readonly Made<Intervention>[];
  /** Which source frames a sample's positions are; recorded with every answer. */
  readonly frames: Made<(sample: Sample) => readonly number[]>;
  readonly benchmark: { readonly name: string; readonly version: string; readonly split: string };
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

interface Task {
  readonly request: AnswerRequest;
  readonly intervention: Recipe;
  readonly draw: number;
}

/** The user's text of a sample, without its pictures. */
export const promptOf = (sample: Sample): string =>
  sample.messages
    .filter(({ role }) => role !== "assistant")
    .flatMap(({ content }) => content.flatMap((part) => (part.type === "text" ? [part.text] : [])))
    .join("\n");

/** For each sample the next one of another clip, in a seeded order; null when all are of one clip. */
const partnersOf = (samples: readonly Sample[], seed: number): (Sample | null)[] => {
  const order = seededRandom(seed, "partners").shuffled(samples.map((_, index) => index));
  const partners = new Array<Sample | null>(samples.length).fill(null);
  order.forEach((index, rank) => {
    const own = samples[index]!.clip.sha256;
    for (let step = 1; step < order.length; step++) {
      const candidate = samples[order[(rank + step) % order.length]!]!;
      if (candidate.clip.sha256 === own) continue;
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

/**
 * Asks every sample's question under every intervention and grades the answers. Failed questions are records with
 * `finishReason` "error" and count as wrong. The same seed shows the same frames, whatever the order of samples.
 *
 * @throws an `AbortError` between batches when the signal says so; records made so far went to `onRecord`
 */
export const evaluate = async (options: EvaluateOptions): Promise<EvaluationResult> => {
  const {
    samples,
    subject,
    interventions,
    frames,
    seed,
    batchSize = 32,
    progress = silentProgress,
    signal,
  } = options;
  const partners = partnersOf(samples, seed);
  const twins = await Promise.all(
    samples.map(({ absent }) => (absent === undefined ? null : twinView(absent))),
  );
  const tasks: Task[] = [];
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
        tasks.push({ request: { sample, positions_T, view, ...shown }, intervention: recipe, draw });
      });
  const records: EvaluationRecord[] = [];
  for (let at = 0; at < tasks.length; at += batchSize) {
    signal?.throwIfAborted();
    const batch = tasks.slice(at, at + batchSize);
    const answers = await ask(
      subject,
      batch.map(({ request }) => request),
      signal,
    );
    batch.forEach((task, i) => {
      const record = recordOf(options, task, answers[i]!);
      records.push(record);
      options.onRecord?.(record);
    });
    progress.update(Math.min(tasks.length, at + batchSize), tasks.length, subject.name);
  }
  return { records, notApplicable };
};

const recordOf = (options: EvaluateOptions, task: Task, answer: Answer): EvaluationRecord => {
  const { sample, positions_T, view, shownSample } = task.request;
  const { answerKind, answer: gold, options: choices } = sample;
  const question = { answerKind, answer: gold, ...(choices === undefined ? {} : { options: choices }) };
  const verdict = gradeAnswer({ ...question, completion: answer.text });
  const official =
    options.official === undefined
      ? null
      : gradeAnswer({ ...question, completion: answer.text }, options.official).score;
  const times = new Map(
    sample.clip.timeline.map((frame) => [frame.index as number, frame.timeSeconds as number]),
  );
  // A failed question counts as wrong even where a benchmark's own rule gives an empty answer credit.
  const lost = answer.finishReason === "error" || answer.finishReason === "timeout";
  return {
    schema: RECORD_SCHEMA,
    runId: options.runId,
    benchmark: options.benchmark.name,
    benchmarkVersion: options.benchmark.version,
    split: options.benchmark.split,
    questionId: sample.id,
    videoId: sample.clip.sha256,
    skill: sample.skill ?? "all",
    answerKind,
    subject: options.subject.name,
    subjectRecipe: options.subject.recipe ?? null,
    decoding: options.subject.decoding ?? null,
    intervention: task.intervention,
    draw: task.draw,
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
    shownVideoId: shownSample?.clip.sha256 ?? null,
    prompt: promptOf(sample),
    options: choices ?? null,
    rawOutput: answer.text,
    finishReason: answer.finishReason,
    error: answer.error ?? null,
    parsedAnswer: lost ? null : verdict.parsed,
    parseRule: lost ? answer.finishReason : verdict.rule,
    gold,
    correct: !lost && verdict.correct,
    scoreStrict: lost ? 0 : verdict.score,
    scoreOfficial: lost && official !== null ? 0 : official,
    latencyMilliseconds: answer.latencyMilliseconds ?? null,
    attempts: answer.attempts ?? 1,
  };
};
