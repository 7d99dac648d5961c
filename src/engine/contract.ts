/**
 * The compute contract: what training, evaluation and reinforcement learning need of a model, and nothing else. Batches
 * are plain data, every call is asynchronous, nothing that is handed out is an engine's own memory.
 *
 * Legend: M scored rows of a batch, K candidates of a row, D width of a state.
 */
import type { TokenBatch } from "../batch/token-batch.ts";
import type { Objective } from "../graph/objective.ts";
import type { TokenChoiceRules } from "./token-choice.ts";

/** Numbers that are fed to a graph. */
export type FeedArray = Float32Array | BigInt64Array | Int32Array | Uint8Array;

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with the signal's reason as soon as the engine can. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time that the call may take; then it ends with an {@link EngineError}. Default: no limit. */
  readonly deadlineSeconds?: number | undefined;
}

/**
 * What a pass keeps for its backward: everything between ("graph"), what went in ("inputs": backward computes the
 * forward again), or "nothing" (there will be no backward). An engine that cannot keep a graph keeps inputs.
 */
export type Keep = "graph" | "inputs" | "nothing";

/** Which weights: those that are trained, or the reference that {@link Engine.holdReference} made. */
export type WhichWeights = "current" | "reference";

/**
 * Tokens whose log-probabilities behind each scored row are wanted besides the target's: given ones, row by row [M, K],
 * or the `top` most probable, of equal ones the smallest ids.
 */
export type Candidates = { readonly tokens: Int32Array; readonly perRow: number } | { readonly top: number };

/** Log-probabilities of candidates. */
export interface CandidateLogprobs {
  /** [M, K]; the most probable first when `top` was asked for. */
  readonly tokens: Int32Array;
  /** [M, K] in nats. */
  readonly logprobs: Float32Array;
}

/** How a forward pass is computed. */
export interface ForwardOptions extends CallOptions {
  /** Default "nothing". */
  readonly keep?: Keep;
  /** Default "current". A pass of the reference has no backward. */
  readonly weights?: WhichWeights;
  /** One entry a batch. */
  readonly candidates?: readonly (Candidates | undefined)[];
}

/** What a forward pass gives for one batch; arrays are the caller's. */
export interface BatchOutputs {
  /** [M] log-probability of each scored target under the batch's {@link DrawnUnder}, in nats. */
  readonly tokenLogprobs: Float32Array;
  /** Tapped rows [rows, D] by block (1-based), groups one behind the other. */
  readonly states: ReadonlyMap<number, Float32Array>;
  readonly candidates: CandidateLogprobs | undefined;
}

/** Everything of one batch that can be compared with another program; undefined: there is none. */
export interface Inspection extends Omit<BatchOutputs, "candidates"> {
  /** [M, V] */
  readonly logits: Float32Array | undefined;
  /** [U, D] in the order of the batch's steps. */
  readonly visualTokens: Float32Array | undefined;
}

/** A forward pass whose backward is outstanding, or that is only read. Disposing of it frees what it keeps. */
export interface Pass extends AsyncDisposable {
  readonly outputs: readonly BatchOutputs[];
  /** Version of the weights that computed it. */
  readonly version: number;
  readonly kept: Keep;
}

/** Cotangents of one batch's outputs; undefined and missing: zero. */
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

/** Parameters whose update has settings of its own. */
export interface ParameterGroup {
  /** What its gradient's norm is reported under. */
  readonly name: string;
  /** Regular expression that some part of a parameter's name matches. Of several groups the first one takes it. */
  readonly pattern: string;
  /** The learning rate is multiplied by it; 0 or more. Default 1. */
  readonly learningRateFactor?: number;
  /** Instead of the update's. */
  readonly weightDecay?: number;
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
  /** Parameters with settings of their own; default: none. */
  readonly groups?: readonly ParameterGroup[];
}

/** What an update did. */
export interface UpdateResult {
  /** Global L2 norm of the gradient before clipping. Not finite: the update changed nothing, the version stayed. */
  readonly norm: number;
  /** The same by group, and by part of the model (vision, merger, language) for what no group takes. */
  readonly norms: Readonly<Record<string, number>>;
  /** The new version of the weights. */
  readonly version: number;
}

/** Prompts whose completions are drawn. */
export interface SampleRequest extends TokenChoiceRules {
  /** Prompts, left-aligned; `scored` rows are their last positions, one a prompt, in order. */
  readonly batch: TokenBatch;
  /** Position (all three parts) of the first new token of each prompt. */
  readonly nextPositions: readonly number[];
  /** Completions of each prompt; 1 or more. */
  readonly completions: number;
  /** Tokens after which a completion is cut; 1 or more. */
  readonly maxNewTokens: number;
  /** Ends a completion. */
  readonly stopTokens: readonly number[];
  /**
   * Completion g of a prompt draws from `seededRandom(seed, "completion", number x completions + g)`, so no row depends on
   * another one.
   */
  readonly seed: string;
  /** The number of each prompt; left out: its place in the batch. */
  readonly numbers?: readonly number[];
}

/** Drawn tokens of one completion, without the stop token; with those that a stop string is in. */
export interface Completion {
  readonly tokens: readonly number[];
  /**
   * Log-probability of every drawn token under the distribution that it was drawn from (temperature, penalty, top-k,
   * top-p, without banned tokens), in nats; the stop token's last when it was drawn. With temperature 0: under the
   * model's own at temperature 1, with penalty and without banned tokens.
   */
  readonly logprobs: readonly number[];
  /** "stop": a stop token or a stop string; "length": as many tokens as were allowed. */
  readonly finish: "stop" | "length";
}

/** Sees the tokens of a completion while it is drawn. @returns true when it has ended */
export type CompletionWatch = (row: number, tokens: readonly number[]) => boolean;

/** How completions are drawn. */
export interface SampleOptions extends CallOptions {
  /** Only where {@link Capabilities.sampling} says that completions can be watched. */
  readonly watch?: CompletionWatch | undefined;
}

/** How weights are saved. */
export interface SaveOptions extends CallOptions {
  /** The optimizer's state too, so that training can go on. */
  readonly optimizer?: boolean;
  /** Folder whose tokenizer and processor files are copied into a whole model. */
  readonly tokenizerFrom?: string;
}

/** How weights are loaded. */
export interface LoadOptions extends CallOptions {
  /** The optimizer's state too. */
  readonly optimizer?: boolean;
}

/** What an engine can do; fixed while it lives. */
export interface Capabilities {
  /** Name of the implementation. */
  readonly engine: string;
  /** Processes that compute. */
  readonly ranks: number;
  /** Where it computes: "cpu", "cuda". */
  readonly device: string;
  /** Number type of the parameters. */
  readonly parameterType: string;
  /** What a pass can keep. */
  readonly keeps: readonly Keep[];
  readonly sampling: {
    /** Completions can be watched while they are drawn. */
    readonly watched: boolean;
  };
  /** Most positions of a sample. */
  readonly longestSequence: number;
  /** Names of what is trained. */
  readonly trainable: readonly string[];
  /** Versions of what it stands on, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What an engine has done since it was opened. */
export interface EngineStatistics {
  readonly calls: number;
  /** Between processes; 0 for an engine in this one. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Part of `bytesSent`: patches. */
  readonly mediaBytesSent: number;
  /** Time that callers have waited for results. */
  readonly waitingSeconds: number;
  /** Part of it in which the model was computed; of several processes the slowest one's. */
  readonly computingSeconds: number;
}

/**
 * Loss and its gradient in one call, where an engine can fuse them; adds to the gradient. One batch: what the objective
 * reads of the batch is the whole of its signals. Feeds are the objective's.
 */
export type FusedStep = (
  batch: TokenBatch,
  objective: Objective,
  feeds: Readonly<Record<string, FeedArray>>,
  options?: CallOptions,
) => Promise<StepResult>;

/**
 * A model that computes. Calls that overlap are computed one after the other. A call that was ended by its signal or
 * deadline may have added to the gradient in part: clear it before going on.
 */
export interface Engine extends AsyncDisposable {
  readonly capabilities: Capabilities;
  /** Version of the weights: grows with every update and load. */
  readonly version: number;
  /** Scores the batches' targets and taps their states. @throws {EngineError} when the runtime fails */
  forward(batches: readonly TokenBatch[], options?: ForwardOptions): Promise<Pass>;
  /**
   * Adds the gradient of the inner product of cotangents (one entry a batch) and outputs; consumes the pass. Passes may
   * go backward in any order.
   * @throws {StalePassError} when the weights have been updated since
   * @throws {EngineError} for a pass that keeps nothing or was consumed, or a cotangent of a block that is not tapped
   */
  backward(pass: Pass, cotangents: readonly Cotangents[], options?: CallOptions): Promise<void>;
  /** Fused loss and gradient; missing where an engine has no such thing. */
  readonly step?: FusedStep;
  /** A forward that shows everything, for `verify`; missing where an engine cannot. */
  readonly inspect?: (batch: TokenBatch, options?: CallOptions) => Promise<Inspection>;
  /** Sets the gradient to zero. */
  clearGradient(options?: CallOptions): Promise<void>;
  /**
   * Applies the gradient, which stays until it is cleared. One that is not finite changes nothing, moments included.
   * @throws {ConfigError} for a group that takes nothing of what is trained
   */
  update(rule: UpdateOptions, options?: CallOptions): Promise<UpdateResult>;
  /** Makes the weights as they are now the reference; what is not trained is shared with it. */
  holdReference(options?: CallOptions): Promise<void>;
  /**
   * Draws completions: result[prompt][completion].
   * @throws {ConfigError} for rules out of range
   * @throws {EngineError} when the logits are no numbers
   */
  sample(request: SampleRequest, options?: SampleOptions): Promise<readonly (readonly Completion[])[]>;
  /** Writes a Hugging Face folder, or a PEFT folder when there is an adapter. */
  save(folder: string, options?: SaveOptions): Promise<void>;
  /**
   * Reads a folder that {@link save} or another program wrote; its optimizer's state when asked.
   * @throws {WeightsError} when it is of another model
   * @throws {RunError} when the optimizer's state is not there
   */
  load(folder: string, options?: LoadOptions): Promise<void>;
  /** A copy of a parameter, or of its gradient, by the name of the checkpoint's tensor. */
  read(name: string, what: "value" | "gradient", options?: CallOptions): Promise<Float32Array>;
  statistics(): EngineStatistics;
}
