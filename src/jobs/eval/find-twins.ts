import { join } from "node:path";
import { VideoPerceiverError } from "../../core/errors.ts";
import { silentProgress } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import type { AbsentReference } from "../../dataset/sample.ts";
import type { BenchmarkSample } from "../../evaluation/benchmarks.ts";
import type { Clips } from "../clips.ts";
import { tellRelevanceCost } from "../endpoint-cost.ts";
import type { JobContext } from "../job-context.ts";
import { type PreparedPair, pairOfFile, preparePair } from "../make-pair.ts";
import { timeLeftOf } from "../time-left.ts";
import type { ShownQuestions } from "./show.ts";

/** What finds the decisive frames of questions whose annotations do not say where they are. */
export interface TwinRequest {
  /** `NAME`, `NAME:ARG` or `NAME:key=value,...` of a relevance provider; providers that use words get the question. */
  readonly relevance: string;
  /** `NAME` or `NAME:key=value,...` of a builder. */
  readonly builder: string;
}

/** The twin of one question's clip, looked for among the frames that are shown; undefined where nothing can be taken away. */
const twinOf = async (
  sample: BenchmarkSample,
  positions: readonly number[],
  file: string,
  clips: Clips,
  prepared: PreparedPair,
  context: JobContext,
): Promise<AbsentReference | undefined> => {
  const shown = new Set(positions);
  const request = { ...prepared.request, caption: questionText(sample) };
  const { pair } = await pairOfFile(clips, file, { ...prepared, request }, context, (timeline) =>
    timeline.filter(({ index }) => shown.has(index)),
  );
  const { keyFrames, replacements, builder } = pair;
  return replacements.length === 0 ? undefined : { keyFrames, replacements, builder };
};

/**
 * The same questions, with absent twins for those that have none and whose clip can be read: each takes away what a
 * relevance provider finds decisive among the frames that are shown. Where it finds nothing, or fails, there is none.
 *
 * @throws {UnknownNameError} for an unknown provider or builder
 */
export const findTwins = async (
  shown: ShownQuestions,
  folder: string,
  twins: TwinRequest,
  clips: Clips,
  context: JobContext,
): Promise<ShownQuestions> => {
  const { relevance, builder } = twins;
  // The words come with every question.
  await using prepared = await preparePair({ relevance, builder, caption: "question" });
  const quiet = { ...context, warn: () => {}, progress: () => silentProgress };
  const progress = timeLeftOf(context.progress("twins", "questions"));
  const keyOf = (sample: BenchmarkSample, positions: readonly number[]): string =>
    JSON.stringify([
      sample.clip.file,
      positions,
      prepared.relevance.definition.usesText ? questionText(sample) : null,
    ]);
  const wants = (sample: BenchmarkSample): boolean =>
    sample.absent === undefined &&
    shown.unreadable(sample) === undefined &&
    shown.positions(sample).length > 0;
  const wanting = shown.samples.filter(wants).map((sample) => {
    const positions = shown.positions(sample);
    return [keyOf(sample, positions), positions.length] as const;
  });
  const frames = [...new Map(wanting).values()].reduce((sum, count) => sum + count, 0);
  tellRelevanceCost(prepared.relevance, frames, context);
  const known = new Map<string, AbsentReference | undefined>();
  const failures: string[] = [];
  const samples: BenchmarkSample[] = [];
  for (const [at, sample] of shown.samples.entries()) {
    if (wants(sample)) {
      const { file } = sample.clip;
      const positions = shown.positions(sample);
      const key = keyOf(sample, positions);
      try {
        if (!known.has(key))
          known.set(key, await twinOf(sample, positions, join(folder, file), clips, prepared, quiet));
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof VideoPerceiverError)) throw error;
        known.set(key, undefined);
        failures.push(error.message);
      }
      const absent = known.get(key);
      samples.push(absent === undefined ? sample : { ...sample, absent });
    } else samples.push(sample);
    progress.update(at + 1, shown.samples.length);
  }
  if (failures.length > 0)
    context.warn(`no twin for ${failures.length} clips or questions; the first: ${failures[0]}`);
  return { ...shown, samples };
};
