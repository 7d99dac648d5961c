import {
  type Define,
  definer,
  folderRegistry,
  type MadeBy,
  type Plugin,
  type Registry,
} from "../core/registry.ts";
import type { FrameSource } from "../frames/read-frames.ts";
import type { VideoService } from "../video/service.ts";
import type { VideoInfo } from "../video/types.ts";
import type { BenchmarkSample, OwnLayout } from "./benchmarks.ts";
import type { View } from "./interventions.ts";
import type { AskedPrompt } from "./prompt.ts";
import type { OpenSeeingModel } from "./seeing-model.ts";

/** One question as a subject gets it. Position t shows `view.shown_T[t]` at the time of `positions_T[t]`. */
export interface AnswerRequest {
  readonly sample: BenchmarkSample;
  /** Source frames at whose times the positions stand, before any intervention. */
  readonly positions_T: readonly number[];
  readonly view: View;
  /** The sample of `view.clip`, when the view shows another clip. */
  readonly shownSample?: BenchmarkSample;
  /** What made the view, and which repetition of it this is, from 0. */
  readonly intervention: MadeBy;
  readonly draw: number;
}

/** What an answer took, where a subject says so. */
export interface AnswerUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In the currency of the prices that were given. */
  readonly cost: number;
}

/**
 * What a subject said. A failed question is data: it says "error", "timeout", "refused" or "missing" (it was never
 * answered) and why, and counts as wrong.
 */
export interface Answer {
  readonly text: string;
  readonly finishReason: "stop" | "length" | "timeout" | "error" | "refused" | "missing";
  readonly latencyMilliseconds?: number;
  readonly attempts?: number;
  /** Why there is no answer; set with every finish reason but "stop" and "length". */
  readonly error?: string;
  readonly usage?: AnswerUsage;
  /** Of the options in their order, where the subject gives them; they add up to 1. */
  readonly optionProbabilities?: readonly number[];
}

/** How a subject draws its answers. */
export interface Decoding {
  /** 0: always the most probable token. */
  readonly temperature: number;
  readonly maxNewTokens: number;
  readonly seed: number;
}

/** What is tested: a checkpoint, an endpoint, a prediction file. */
export interface Subject {
  /** Short name for tables, unique in a report. */
  readonly name: string;
  /** How it was made, and hashes of weights, for the records. */
  readonly recipe?: MadeBy;
  readonly decoding?: Decoding;
  /** The text that it is asked, for the records; the question alone when left out. */
  prompt?(sample: BenchmarkSample): string;
  /**
   * One answer a request, in order. May throw a `VideoPerceiverError` for the batch, which is then asked one by one so
   * that only the question at fault is lost. Stops early with an `AbortError` when the signal says so.
   */
  answer(batch: readonly AnswerRequest[], signal?: AbortSignal): Promise<readonly Answer[]>;
}

/** A subject that was opened to be asked about files; close it. */
export interface OpenedSubject extends Subject, AsyncDisposable {
  /** False: it answers from a file and is shown nothing. */
  readonly looks: boolean;
  /** The frames that it wants of a clip, where that is its own matter, and the rule's name. */
  readonly ownFrames?: {
    /**
     * Ascending positions in the timeline of a clip or a stretch of one.
     *
     * @param key tells stretches apart: `stretchKey` of the question
     * @param chosen frames that came with the question: it looks at these
     * @throws {ConfigError} when it cannot
     */
    of(info: VideoInfo, key: string, chosen?: readonly number[]): readonly number[];
    readonly recipe: MadeBy;
  };
  /** Questions that it is asked at the same time; 1 when left out. */
  readonly concurrency?: number;
  /** Why it cannot be shown this; undefined: it can. */
  refuses?(view: View): string | undefined;
  /** Told everything that will be asked, before the first question. */
  plan?(requests: readonly AnswerRequest[]): void;
  /** What asking will take, as far as can be said before; from the planned requests. */
  estimate?(requests: readonly AnswerRequest[]): SubjectEstimate;
}

/** What asking will take. */
export interface SubjectEstimate {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: number;
  /** By the rate limit alone; 0 without one. */
  readonly leastSeconds: number;
}

/** What a subject is opened with. */
export interface SubjectMeans {
  /** Gives frames of clips, and keeps none. */
  readonly frames: FrameSource;
  /** Writes the clips that an endpoint is given as video files. */
  readonly video: Pick<VideoService, "write">;
  /** What clips' file names are relative to. */
  readonly clipFolder: string;
  /** What a question says, by the benchmark's rule. */
  readonly prompt: (sample: BenchmarkSample) => AskedPrompt;
  readonly ownLayout?: OwnLayout;
  readonly openModel: OpenSeeingModel;
  /** Where answers are kept by content; nowhere when left out. */
  readonly answersFolder?: string;
  readonly seed: number;
  warn(line: string): void;
}

/** Opens a subject. @throws {VideoPerceiverError} for one that cannot be used */
export type SubjectOpener = (means: SubjectMeans) => Promise<OpenedSubject>;

/** A kind of subject. */
export type SubjectPlugin = Plugin<SubjectOpener>;

/** Declares a kind of subject. */
export const defineSubject: Define<SubjectPlugin> = definer("subject");

/** Every kind of subject in `subjects/`, by file name. */
export const subjectRegistry: Registry<SubjectPlugin> = folderRegistry(
  "subject",
  new URL("./subjects/", import.meta.url),
);
