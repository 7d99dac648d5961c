import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { VideoInfo } from "../../video/types.ts";
import type { AnswerRules } from "./answer-rules.ts";

/** The frames of a clip that a model looks at. */
export interface Look {
  /** Ascending positions in the clip's timeline, possibly repeated. */
  readonly indices: readonly number[];
  /** Size at which the model takes them. */
  readonly width: number;
  readonly height: number;
  /** Rate of these frames. */
  readonly framesPerSecond: number;
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
  /** Frames that it wants of a clip. */
  look(info: VideoInfo, framesPerSecond: number | undefined): Look;
  /** Brings a decoded frame to the look's size. */
  resize(batch: FrameBatch, position: number, look: Look): Uint8Array;
  /** An answer, drawn token by token. */
  answer(pictures: Pictures, question: string, rules: AnswerRules, signal?: AbortSignal): Promise<string>;
}
