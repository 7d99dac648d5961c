import type { Replacement } from "../absent/pair.ts";
import type { MadeBy } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import type { AnswerKind } from "../grading/grade-answer.ts";
import type { Timeline } from "../video/types.ts";

/** Part of a message in the Qwen message format. */
export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "video";
      readonly video: string;
      readonly fps?: number;
      readonly nframes?: number;
      readonly min_pixels?: number;
      readonly max_pixels?: number;
      readonly total_pixels?: number;
      readonly video_start?: number;
      readonly video_end?: number;
    }
  | {
      readonly type: "image";
      readonly image: string;
      readonly min_pixels?: number;
      readonly max_pixels?: number;
    };

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: readonly MessagePart[];
}

/** A short thing that happens; half-open time range from the first frame. */
export interface EventSpan extends TimeSpan {
  readonly what: string;
}

/** A clip by content; `file` is relative to the data set folder. */
export interface ClipReference {
  readonly file: string;
  readonly sha256: string;
  readonly timeline: Timeline;
  /** When the last frame ends; absent: it is shown as long as is usual in the clip. */
  readonly durationSeconds?: number;
}

/** The absent twin of a sample's clip: virtual unless `file` is there. */
export interface AbsentReference {
  readonly file?: string;
  readonly sha256?: string;
  readonly keyFrames: readonly number[];
  readonly replacements: readonly Replacement[];
  /** What took the frames away; its pixel operation, if it has one, belongs to every replaced frame. */
  readonly builder: MadeBy;
}

/** What is worse than the answer about the clip: another answer, the same about another film, or both. */
export interface RejectedSide {
  readonly answer?: string;
  readonly clip?: ClipReference;
}

/** One row of a data set (docs: interfaces, "Data set folder"). */
export interface Sample {
  readonly id: string;
  readonly clip: ClipReference;
  readonly absent?: AbsentReference;
  /**
   * The frames that are looked at, where they were chosen with the sample (sparsification): indices of the clip's
   * frames, ascending. They keep their true, uneven times; left out: whoever looks chooses.
   */
  readonly frames?: readonly number[];
  readonly messages: readonly Message[];
  readonly answer: string;
  readonly answerKind: AnswerKind;
  /** Where the row came as a preference. */
  readonly rejected?: RejectedSide;
  /** Lettered options of a `choice` question, in order A, B, C, ... */
  readonly options?: readonly string[];
  /** Which family of questions, e.g. "motion-recognition". */
  readonly skill?: string;
  /** The part of the data set that the row belongs to, e.g. "train" or "test"; every row of a clip is in the same. */
  readonly split?: string;
  readonly keywords?: readonly string[];
  readonly events?: readonly EventSpan[];
  readonly provenance: Readonly<Record<string, unknown>>;
}
