import type { MadePair } from "../../absent/make-pair.ts";
import type { Pair } from "../../absent/pair.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import { streamFrames } from "../../frames/read-frames.ts";
import type { TimedFrame } from "../../video/types.ts";
import { type Clips, type ClipsOptions, openClips } from "../clips.ts";
import { tellRelevanceCost } from "../endpoint-cost.ts";
import type { JobContext } from "../job-context.ts";
import { type PairRequest, pairOfFile, preparePair } from "../make-pair.ts";
import { modelWithAdapter } from "../model-folder.ts";
import type { AnswerRules } from "./answer-rules.ts";
import type { Answerer, Look, LookRequest } from "./answerer.ts";
import { openAnswerer } from "./open-answerer.ts";
import { completeFrames, picturesOf, randomFrames, type ShownFrames, twinFrames } from "./twin-views.ts";

/** What is asked, of which model, about which clip. */
export interface AskJob {
  readonly file: string;
  readonly question: string;
  /** Folder of a checkpoint or a run, or a hub name. */
  readonly model: string;
  /** LoRA adapter (PEFT) of a checkpoint of a hub family. */
  readonly adapter?: string;
  readonly engine: EngineChoice;
  readonly rules: AnswerRules;
  readonly look: LookRequest;
  /** Answers whose probabilities are wanted; none: no probabilities. */
  readonly options: readonly string[];
  /** Ask again about the absent twin, and `draws` times about random removals. */
  readonly compare?: { readonly request: PairRequest; readonly draws: number };
  readonly clips: ClipsOptions;
}

/** How likely an option is. */
export interface OptionProbability {
  readonly option: string;
  /** Among the options, as the whole answer; they add up to 1. */
  readonly probability: number;
  /** Of the option as the whole answer, in nats. */
  readonly logprob: number;
}

/** What was said about one version of the clip. */
export interface Said {
  readonly answer: string;
  readonly options?: readonly OptionProbability[];
}

/** What was said about the absent twin, beside the control. */
export interface Compared {
  readonly absent: Said & { readonly pair: Pair };
  /** One a draw; empty when the clip has no room for as many other frames, or none was wanted. */
  readonly randomRemoval: readonly Said[];
  /** Frames that the model sees and the twin changes. */
  readonly takenFrames: readonly TimedFrame[];
  /** They as a share of the frames that the model sees. */
  readonly takenShare: number;
  /** Replaced frames as a share of the clip's frames. */
  readonly replacedShare: number;
  readonly relevance: MadePair["relevance"];
  readonly changes: boolean;
  /** Share of the random removals under which the answer changes; null without any. */
  readonly randomChangesShare: number | null;
}

/** An answer and how it came about. */
export interface Asked extends Said {
  readonly model: string;
  readonly kind: string;
  readonly frames: readonly TimedFrame[];
  readonly width: number;
  readonly height: number;
  readonly compared?: Compared;
}

/** Each wanted frame once, at the look's size, by index. */
const framesAt = async (
  { video }: Clips,
  file: string,
  shown: readonly ShownFrames[],
  look: Look,
  answerer: Answerer,
  signal: AbortSignal,
): Promise<Map<number, Uint8Array>> => {
  const sources = new Set(shown.flatMap((frames) => frames.map(({ source }) => source)));
  const wanted = [...sources].sort((a, b) => a - b);
  const found = new Map<number, Uint8Array>();
  const request = { select: { kind: "indices", indices: wanted } } as const;
  for await (const batch of streamFrames(video, file, request, signal))
    for (let at = 0; at < batch.frames.length; at++)
      found.set(batch.frames[at]!.index, answerer.resize(batch, at, look).slice());
  return found;
};

/** Probabilities among the options, from log-probabilities of each as the whole answer. */
const amongOptions = (options: readonly string[], logprobs: readonly number[]): OptionProbability[] => {
  const highest = Math.max(...logprobs);
  const weights = logprobs.map((logprob) => Math.exp(logprob - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return options.map((option, at) => ({
    option,
    probability: weights[at]! / total,
    logprob: logprobs[at]!,
  }));
};

/** Which versions of the clip are asked about. */
interface Versions {
  readonly complete: ShownFrames;
  readonly absent: ShownFrames | undefined;
  readonly random: readonly ShownFrames[];
}

const versionsOf = async (job: AskJob, look: Look, made: MadePair | undefined): Promise<Versions> => {
  const complete = completeFrames(look);
  if (job.compare === undefined || made === undefined) return { complete, absent: undefined, random: [] };
  const random = await randomFrames(look, made, job.compare.draws, job.rules.seed);
  return { complete, absent: twinFrames(look, made), random };
};

const compared = (
  look: Look,
  made: MadePair,
  complete: Said,
  absent: Said,
  random: readonly Said[],
): Compared => {
  const taken = new Set(look.indices.filter((index) => made.view.changes(index)));
  const takenPositions = look.indices.filter((index) => taken.has(index)).length;
  const changed = random.filter(({ answer }) => answer !== complete.answer).length;
  return {
    absent: { ...absent, pair: made.pair },
    randomRemoval: random,
    takenFrames: [...taken].map((index) => made.source.timeline[index]!),
    takenShare: takenPositions / look.indices.length,
    replacedShare: made.replacedShare,
    relevance: made.relevance,
    changes: absent.answer !== complete.answer,
    randomChangesShare: random.length === 0 ? null : changed / random.length,
  };
};

/**
 * Asks a model about a clip; on request again about its absent twin and about random removals, so that one sees whether
 * the decisive frames decide.
 *
 * @throws {ConfigError} for a model, option or frame request that cannot be used
 * @throws {VideoError} when the clip cannot be decoded
 */
export const ask = async (job: AskJob, context: JobContext): Promise<Asked> => {
  const { file, question, options } = job;
  const { signal } = context;
  const { folder: model, adapterFolder } = await modelWithAdapter(job.model, job.adapter, context);
  await using prepared = job.compare === undefined ? null : await preparePair(job.compare.request);
  await using clips = openClips(job.clips, (line) => context.warn(line));
  const info = await clips.video.probe(file, signal);
  await using answerer = await openAnswerer(model, adapterFolder, job.engine);
  const look = answerer.look(info, job.look);
  const caution = answerer.caution(info);
  if (caution !== undefined) context.warn(caution);
  // What is taken away is what the model would have seen.
  const looked = new Set(look.indices);
  if (prepared !== null) tellRelevanceCost(prepared.relevance, looked.size, context);
  const made =
    prepared === null
      ? undefined
      : await pairOfFile(clips, file, prepared, context, (timeline) =>
          timeline.filter(({ index }) => looked.has(index)),
        );
  const versions = await versionsOf(job, look, made);
  const all = [
    versions.complete,
    ...(versions.absent === undefined ? [] : [versions.absent]),
    ...versions.random,
  ];
  const found = await framesAt(clips, file, all, look, answerer, signal);
  const progress = context.progress("asked", "times");
  let asked = 0;
  const sayAbout = async (shown: ShownFrames): Promise<Said> => {
    signal.throwIfAborted();
    const pictures = { ...look, frames: picturesOf(shown, found, look) };
    const answer = await answerer.answer(pictures, question, job.rules, signal);
    const logprobs =
      options.length === 0 ? undefined : await answerer.optionLogprobs(pictures, question, options, signal);
    if (all.length > 1) progress.update(++asked, all.length);
    return { answer, ...(logprobs && { options: amongOptions(options, logprobs) }) };
  };
  const complete = await sayAbout(versions.complete);
  const about = {
    model,
    kind: answerer.kind,
    frames: look.indices.map((index) => info.timeline[index]!),
    width: look.width,
    height: look.height,
  };
  if (made === undefined || versions.absent === undefined) return { ...complete, ...about };
  const absent = await sayAbout(versions.absent);
  const random: Said[] = [];
  for (const shown of versions.random) random.push(await sayAbout(shown));
  return { ...complete, ...about, compared: compared(look, made, complete, absent, random) };
};
