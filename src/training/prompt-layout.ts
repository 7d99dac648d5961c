/** What Comparative GRPO needs of prompts, however their clips are had and laid out. */
import type { DrawnUnder, TokenBatch } from "../batch/token-batch.ts";
import type { Completion } from "../engine/contract.ts";
import type { TrainingText } from "./clip.ts";

/** A question as rewards, roll-outs and logs know it. */
export type AskedText = Pick<TrainingText, "sampleId" | "question" | "answer" | "answerKind" | "options">;

/** A question about a clip that has an absent twin, or about pictures that have none. */
export interface ComparedPrompt {
  readonly clip: { readonly id: string };
  readonly text: AskedText;
  /** False: there is nothing to compare with; only for advantages that compare nothing. */
  readonly hasTwin?: boolean;
}

/** What is shown: the clip, its absent twin, or what the control compares the clip with. */
export type ShownSide = "clip" | "twin" | "compared";

/** What a draw shows; refed: the instruction stands behind the question. */
export interface Shown<P extends ComparedPrompt> {
  readonly prompt: P;
  readonly side: ShownSide;
  readonly refed: boolean;
}

/** A completion and whether the prompt that it answered carried the instruction. */
export interface Drawn extends Completion {
  readonly text: string;
  readonly refed: boolean;
}

/** A prompt with completions from its clip. */
export interface AnsweredPrompt<P extends ComparedPrompt> {
  readonly prompt: P;
  readonly complete: readonly Drawn[];
}

/** Completions of some prompts as a batch. */
export interface CompletionBatch {
  readonly batch: TokenBatch;
  /** Of each scored row before the padding: which prompt, which of its completions, which of that one's tokens. */
  readonly scored: readonly {
    readonly prompt: number;
    readonly completion: number;
    readonly token: number;
  }[];
}

/** Lays prompts out as batches. */
export interface PromptLayout<P extends ComparedPrompt> {
  /** Positions of the longest of some prompts, rounded up: those of each in a batch of them. */
  promptLength(shown: readonly Shown<P>[]): number;
  /** Prompts that completions are drawn from, and the position behind each. @param length positions of each at least */
  prompts(
    shown: readonly Shown<P>[],
    length?: number,
  ): {
    readonly batch: TokenBatch;
    readonly nextPositions: readonly number[];
  };
  /** Completions behind the prompts that they answered, scored under what they were drawn from, the stop token too. */
  completions(answered: readonly AnsweredPrompt<P>[], drawn: DrawnUnder): readonly CompletionBatch[];
  /**
   * Of each prompt the probability of a valid answer: of all options together; of an open question, whose other answers
   * nobody knows, the reference's a token (geometric mean).
   */
  validity(prompts: readonly P[], instructed: boolean): Promise<number[]>;
}

/** Where prompts come from. */
export interface PromptSource<P extends ComparedPrompt> {
  /** Prompts that there are. */
  readonly count: number;
  /** One of them by its place; undefined where its clip cannot be had. */
  prompt(at: number): Promise<P | undefined>;
  /** Those of the steps (1-based) when only some are trained on. @param kept their places */
  steps(kept: readonly number[]): (step: number) => Promise<readonly P[]>;
}
