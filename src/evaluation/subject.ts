import type { MadeBy } from "../core/registry.ts";
import type { BenchmarkSample } from "./benchmarks.ts";
import type { View } from "./interventions.ts";

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

/**
 * What a subject said. A failed question is data: it says "error", "timeout" or "missing" (it was never answered) and
 * why, and counts as wrong.
 */
export interface Answer {
  readonly text: string;
  readonly finishReason: "stop" | "length" | "timeout" | "error" | "missing";
  readonly latencyMilliseconds?: number;
  readonly attempts?: number;
  /** Why there is no answer; set with finish reasons "error", "timeout" and "missing". */
  readonly error?: string;
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
  /**
   * One answer a request, in order. May throw a `VideoPerceiverError` for the batch, which is then asked one by one so
   * that only the question at fault is lost. Stops early with an `AbortError` when the signal says so.
   */
  answer(batch: readonly AnswerRequest[], signal?: AbortSignal): Promise<readonly Answer[]>;
}
