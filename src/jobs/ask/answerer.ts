import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { Size } from "../../frames/smart-resize.ts";
import type { VideoInfo } from "../../video/types.ts";
import type { AnswerRules } from "./answer-rules.ts";

/** What a person says about the frames that a model looks at; what is left out is the model's own choice. */
export interface LookRequest {
  /** Frames a second. */
  readonly fps?: number;
  /** Frames in all. */
  readonly frames?: number;
  /** Pixels of one frame. */
  readonly minPixels?: number;
  readonly maxPixels?: number;
  /** Pixels of all pairs of frames together. */
  readonly totalPixels?: number;
  /** Frames that were chosen with the question: ascending positions in the clip's timeline. Rate and number then say nothing. */
  readonly chosen?: readonly number[];
}

/** The frames of a clip that a model looks at. */
export interface Look {
  /** Ascending positions in the clip's timeline, possibly repeated. */
  readonly indices: readonly number[];
  /** Size at which the model takes them. */
  readonly width: number;
  readonly height: number;
  /** Sizes through which a frame goes, one after the other, when there are several; the last is this one. */
  readonly sizes?: readonly Size[];
  /** Rate of these frames. */
  readonly framesPerSecond: number;
  /** Their true times, where they were chosen with the question and need not be equally far apart. */
  readonly timesSeconds?: readonly number[];
}

/** Pictures of a look, in order. */
export interface Pictures extends Omit<Look, "indices"> {
  /** [frames] rgb24 of the look's size. */
  readonly frames: readonly Uint8Array[];
}

/** A model in memory that answers questions about pictures. */
export interface Answerer extends AsyncDisposable {
  /** What it is, for a person. */
  readonly kind: string;
  /** True for one that knows the words of bare questions only. */
  readonly bareQuestions: boolean;
  /** Frames that it wants of a clip. @throws {ConfigError} for a request that it cannot meet */
  look(info: VideoInfo, request: LookRequest): Look;
  /** What a person should know before this model is asked about a clip; undefined: nothing. */
  caution(info: VideoInfo): string | undefined;
  /** Brings a decoded frame to the look's size. */
  resize(batch: FrameBatch, position: number, look: Look): Uint8Array;
  /** An answer, drawn token by token. */
  answer(pictures: Pictures, question: string, rules: AnswerRules, signal?: AbortSignal): Promise<string>;
  /** For each option the log-probability, in nats, that it is the whole answer. */
  optionLogprobs(
    pictures: Pictures,
    question: string,
    options: readonly string[],
    signal?: AbortSignal,
  ): Promise<number[]>;
}
