import type { Objective } from "../../graph/objective.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { CallLimit } from "../call-limit.ts";
import type {
  Completion,
  CompletionWatch,
  Cotangents,
  FeedArray,
  Keep,
  SampleRequest,
  StepResult,
  WhichWeights,
} from "../contract.ts";
import type { LoraAdapter } from "../lora.ts";
import type { ModelWeights } from "../model-weights.ts";
import type { LoweredMedia } from "./lowering/media.ts";
import type { ModelBatch } from "./lowering/model-batch.ts";

/** A model in memory. */
export interface EmbeddedModel {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly adapter: LoraAdapter | undefined;
}

/** What of a forward is wanted besides log-probabilities and states. */
export interface WantedOutputs {
  readonly logits: boolean;
  readonly visualTokens: boolean;
  /** Keep what the backward needs, if that can be kept. */
  readonly keepGraph: boolean;
  readonly weights: WhichWeights;
}

/** What a forward gives; arrays are the caller's. */
export interface ComputedBatch {
  /** [M] */
  readonly tokenLogprobs: Float32Array;
  /** Tapped rows [rows, D] by block. */
  readonly states: ReadonlyMap<number, Float32Array>;
  /** [M, V] */
  readonly logits: Float32Array | undefined;
  /** [U, D] */
  readonly visualTokens: Float32Array | undefined;
  /** Carries cotangents back through what was kept, once; adds to the gradient. Undefined: nothing was kept. */
  readonly pullBack: ((cotangents: Cotangents, call: CallLimit) => Promise<void>) | undefined;
}

/** A way of computing a model; the embedded engine makes the contract of it. Calls never overlap. */
export interface Computation {
  readonly name: string;
  readonly keeps: readonly Keep[];
  forward(batch: ModelBatch, want: WantedOutputs, call: CallLimit): Promise<ComputedBatch>;
  /** Computes the forward again, and back. @param accumulate add to the gradient, else replace it */
  backward(batch: ModelBatch, cotangents: Cotangents, accumulate: boolean, call: CallLimit): Promise<void>;
  /** Loss and gradient as one graph. */
  step?(
    batch: ModelBatch,
    objective: Objective,
    feeds: Readonly<Record<string, FeedArray>>,
    accumulate: boolean,
    call: CallLimit,
  ): Promise<StepResult>;
  /** Visual tokens [U, D] that the tower makes with the weights as they are now. */
  encode(media: LoweredMedia, call: CallLimit): Promise<Float32Array>;
  sample(
    request: SampleRequest,
    batch: ModelBatch,
    call: CallLimit,
    watch: CompletionWatch | undefined,
  ): Promise<readonly (readonly Completion[])[]>;
  /** Says that weights have changed: what was made of them is made again when it is needed. */
  weightsChanged(): void;
  /** Makes the weights as they are now the reference. */
  holdReference(): void;
  release(): Promise<void>;
}
