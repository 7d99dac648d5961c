import { assert, EngineError } from "../../../core/errors.ts";
import type { Objective } from "../../../graph/objective.ts";
import type { ModelConfig } from "../../../model/config.ts";
import type {
  Completion,
  Cotangents,
  Engine,
  FeedArray,
  ForwardResult,
  ModelBatch,
  SampleRequest,
  StepResult,
  UpdateOptions,
} from "../../contract.ts";
import type { LoraAdapter } from "../../lora.ts";
import type { ModelWeights } from "../../model-weights.ts";
import { OnnxAdamW } from "../adamw.ts";
import type { DecodeForm } from "../packed-weights.ts";
import { ChunkedHead } from "./head.ts";
import { type PassValues, passModel } from "./model-pass.ts";
import { ObjectiveGraphs } from "./objective-graph.ts";
import { LayerwiseSampler } from "./sampler.ts";
import { StageRunner } from "./stage.ts";
import { Tape } from "./tape.ts";

/** Options of the layer-wise engine. */
export interface LayerwiseOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Compiled graphs that are kept, two dozen a batch shape; the one used longest ago goes first. Default 48. */
  readonly keptGraphs?: number;
  /** Weights of decoding: as they are (default), or rounded to 8 bits in blocks of 32, each with its scale. */
  readonly decodeWeights?: DecodeForm;
  /** Tokens of a piece of the head; default: as many as 64 MB of its matrix hold. */
  readonly headRows?: number;
  /** Ends what is being computed before its next block, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The embedded engine one block at a time: all blocks of a kind share one graph forward and one backward, weights are
 * its inputs, and backward computes a block again from the rows that went into it. Needs little memory besides the
 * weights, which may stay in 16 bits; the numbers are those of `OnnxEngine`.
 */
export class LayerwiseEngine implements Engine {
  readonly #config: ModelConfig;
  readonly #weights: ModelWeights;
  readonly #runner: StageRunner;
  readonly #head: ChunkedHead;
  readonly #objectives: ObjectiveGraphs;
  readonly #sampler: LayerwiseSampler;
  readonly #optimizer: OnnxAdamW;

  constructor(
    config: ModelConfig,
    weights: ModelWeights,
    adapter: LoraAdapter | undefined,
    options: LayerwiseOptions,
  ) {
    const { threads, keptGraphs = 48 } = options;
    this.#config = config;
    this.#weights = weights;
    this.#runner = new StageRunner(weights, adapter, { threads, keptGraphs, signal: options.signal });
    this.#head = new ChunkedHead(config, this.#runner, options.headRows);
    this.#optimizer = new OnnxAdamW(threads);
    this.#objectives = new ObjectiveGraphs(threads);
    const form = options.decodeWeights ?? "float32";
    this.#sampler = new LayerwiseSampler(config, this.#runner, this.#head, form);
  }

  get trainable(): readonly string[] {
    return this.#weights.store.trained().map(({ name }) => name);
  }

  value(name: string): Float32Array {
    return this.#weights.numbers(name);
  }

  gradient(name: string): Float32Array {
    return this.#weights.store.get(name).gradient ?? new Float32Array(0);
  }

  async forward(
    batch: ModelBatch,
    want: { readonly logits?: boolean; readonly visualTokens?: boolean } = {},
  ): Promise<ForwardResult> {
    const values = await this.#pass(batch, new Tape(this.#runner, false), want.logits === true);
    return {
      tokenLogprobs: values.tokenLogprobs?.read() ?? new Float32Array(0),
      states: new Map([...values.states].map(([block, state]) => [block, state.read()])),
      logits: values.logits,
      visualTokens: want.visualTokens === true ? values.visualTokens?.read() : undefined,
    };
  }

  async backward(batch: ModelBatch, cotangents: Cotangents, accumulate = false): Promise<void> {
    const tape = new Tape(this.#runner, true);
    const values = await this.#pass(batch, tape, false);
    await this.#pullBack(values, cotangents, tape, accumulate);
  }

  async step(
    batch: ModelBatch,
    objective: Objective,
    extra: Readonly<Record<string, FeedArray>>,
    accumulate = false,
  ): Promise<StepResult> {
    const tape = new Tape(this.#runner, true);
    const values = await this.#pass(batch, tape, false);
    const { loss, metrics, cotangents } = await this.#objectives.evaluate(objective, values, extra);
    await this.#pullBack(values, cotangents, tape, accumulate);
    return { loss, metrics };
  }

  async update(options: UpdateOptions): Promise<number> {
    const norm = await this.#optimizer.update(this.#weights.store, options);
    this.#sampler.weightsChanged();
    return norm;
  }

  sample(request: SampleRequest): Promise<readonly (readonly Completion[])[]> {
    return this.#sampler.sample(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner.release();
    await this.#objectives.release();
    await this.#optimizer.release();
    await this.#sampler.release();
  }

  #pass(batch: ModelBatch, tape: Tape, wantLogits: boolean): Promise<PassValues> {
    return passModel(batch, this.#config, this.#runner, this.#head, tape, wantLogits);
  }

  /** Gives the outputs their cotangents and carries them back; replaces the gradient, or adds to it. */
  async #pullBack(
    values: PassValues,
    cotangents: Cotangents,
    tape: Tape,
    accumulate: boolean,
  ): Promise<void> {
    if (cotangents.tokenLogprobs !== undefined) {
      assert(values.tokenLogprobs !== undefined, "a cotangent of log-probabilities needs scored rows");
      values.tokenLogprobs.pull(cotangents.tokenLogprobs);
    }
    for (const [block, cotangent] of cotangents.states) {
      const state = values.states.get(block);
      if (state === undefined)
        throw new EngineError("cotangent of a state that is not tapped", { where: `block ${block}` });
      state.pull(cotangent);
    }
    if (!accumulate) for (const { gradient } of this.#weights.store.trained()) gradient!.fill(0);
    await tape.backward();
  }
}
