import type { Random } from "../core/random.ts";
import type { Objective } from "../graph/objective.ts";
import type { VisionShape } from "../model/family.ts";
import type { LanguageShape } from "../model/language-shape.ts";
import type { StopText } from "./stop-text.ts";
import type { TokenChoiceRules } from "./token-choice.ts";

/** Numbers that are fed to a graph. */
export type FeedArray = Float32Array | BigInt64Array | Int32Array | Uint8Array;

/** A batch ready to be computed: what the graph's shape depends on, and the numbers to feed. */
export interface ModelBatch {
  readonly language: LanguageShape;
  readonly vision: VisionShape | undefined;
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

/** What a forward pass gives; arrays are the caller's. */
export interface ForwardResult {
  /** [M] log-probability of each scored target, in nats. */
  readonly tokenLogprobs: Float32Array;
  /** Tapped rows [rows, D] by block (1-based). */
  readonly states: ReadonlyMap<number, Float32Array>;
  /** [M, V], when asked for. */
  readonly logits: Float32Array | undefined;
  /** [U, D] visual tokens, when asked for. */
  readonly visualTokens: Float32Array | undefined;
}

/** Cotangents of a forward pass: of `tokenLogprobs` and of tapped states. */
export interface Cotangents {
  readonly tokenLogprobs: Float32Array | undefined;
  readonly states: ReadonlyMap<number, Float32Array>;
}

/** Loss and metrics of a step; the gradient stays in the engine. */
export interface StepResult {
  /** In the objective's unit, mostly nats. */
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** One AdamW update. @source Loshchilov and Hutter 2019 */
export interface UpdateOptions {
  /** Step size; 0 or more. */
  readonly learningRate: number;
  /** Decay of the running mean of gradients, in [0, 1). */
  readonly beta1: number;
  /** Decay of the running mean of squared gradients, in [0, 1). */
  readonly beta2: number;
  /** Added to the root of the second mean; more than 0. */
  readonly epsilon: number;
  /** Decoupled decay of matrices (not of vectors), per step: w -= learningRate * weightDecay * w. */
  readonly weightDecay: number;
  /** Largest global L2 norm of the gradient; larger gradients are scaled down to it. 0: no limit. */
  readonly maxGradientNorm: number;
}

/** A prompt whose completions are drawn: one row of a prefill. */
export interface SampleRequest extends TokenChoiceRules {
  /** Prompts; `scored` rows are the last positions, one a prompt, in order. */
  readonly batch: ModelBatch;
  /** Positions of each prompt in use (T or less, left-aligned). */
  readonly lengths: readonly number[];
  /** Rotary position (all three parts) of the first new token of each prompt. */
  readonly nextPositions: readonly number[];
  /** Completions of each prompt; 1 or more. */
  readonly completions: number;
  /** Tokens after which a completion is cut; 1 or more. */
  readonly maxNewTokens: number;
  /** Ends a completion. */
  readonly stopTokens: readonly number[];
  /** Strings that end a completion. */
  readonly stopText?: StopText;
  /** Token ids of each prompt; needed when there is a repetition penalty, which counts them as transformers does. */
  readonly promptTokens?: readonly Iterable<number>[];
  readonly random: Random;
}

/** Drawn tokens of one completion, without the stop token; with those that a stop string is in. */
export interface Completion {
  readonly tokens: readonly number[];
  /**
   * Log-probability of every drawn token under the model itself (temperature 1, no penalty, all tokens), in nats; the
   * stop token's last when it was drawn.
   */
  readonly logprobs: readonly number[];
  /** "stop": a stop token or a stop string; "length": as many tokens as were allowed. */
  readonly finish: "stop" | "length";
  /** Decoded text in front of the first stop string; only there when the request has stop strings. */
  readonly text?: string;
}

/**
 * The compute contract: what training, evaluation and reinforcement learning need of a model, and nothing else. Calls
 * follow one another: a caller waits for one before it makes the next.
 */
export interface Engine extends AsyncDisposable {
  /** Scores the batch's targets and taps its states. @throws {EngineError} when the runtime fails */
  forward(
    batch: ModelBatch,
    want?: { readonly logits?: boolean; readonly visualTokens?: boolean },
  ): Promise<ForwardResult>;
  /**
   * Gradient of the inner product of cotangents and outputs; replaces the gradient, or adds to it.
   * @throws {EngineError} for a cotangent of a block that the batch does not tap
   */
  backward(batch: ModelBatch, cotangents: Cotangents, accumulate?: boolean): Promise<void>;
  /** Loss and its gradient in one graph; replaces the gradient, or adds to it. Feeds of the objective go in `extra`. */
  step(
    batch: ModelBatch,
    objective: Objective,
    extra: Readonly<Record<string, FeedArray>>,
    accumulate?: boolean,
  ): Promise<StepResult>;
  /** Applies the gradient. @returns its global L2 norm before clipping */
  update(options: UpdateOptions): number | Promise<number>;
  /**
   * Draws completions: result[prompt][completion].
   * @throws {ConfigError} for rules out of range
   * @throws {EngineError} when the logits are no numbers
   */
  sample(request: SampleRequest): Promise<readonly (readonly Completion[])[]>;
  /** Names of what is trained. */
  readonly trainable: readonly string[];
  /** A parameter's numbers (the engine's own memory: read only). */
  value(name: string): Float32Array;
  /** A trained parameter's gradient (the engine's own memory: read only). */
  gradient(name: string): Float32Array;
}
