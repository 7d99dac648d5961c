import { assert, EngineError } from "../../../core/errors.ts";
import type { CallLimit } from "../../call-limit.ts";
import type { Completion, CompletionWatch, Cotangents, Keep, SampleRequest } from "../../contract.ts";
import type { Computation, ComputedBatch, EmbeddedModel, WantedOutputs } from "../computation.ts";
import type { LoweredMedia } from "../lowering/media.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import type { DecodeForm } from "../packed-weights.ts";
import { ChunkedHead } from "./head.ts";
import { type PassValues, passModel, passTower } from "./model-pass.ts";
import { LayerwiseSampler } from "./sampler.ts";
import { StageRunner } from "./stage.ts";
import { Tape } from "./tape.ts";

/** Options of computing block by block. */
export interface LayerwiseOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Compiled graphs that are kept, two dozen a batch shape; the one used longest ago goes first. Default 48. */
  readonly keptGraphs?: number;
  /** Weights of decoding: as they are (default), or rounded to 8 bits in blocks of 32, each with its scale. */
  readonly decodeWeights?: DecodeForm;
  /** Tokens of a piece of the head; default: as many as 64 MB of its matrix hold. */
  readonly headRows?: number;
}

/** Runs stages on some weights. */
interface Runs {
  readonly runner: StageRunner;
  readonly head: ChunkedHead;
}

/** Gives the outputs their cotangents and carries them back; adds to the gradient. */
const pullBack = async (values: PassValues, cotangents: Cotangents, tape: Tape): Promise<void> => {
  if (cotangents.tokenLogprobs !== undefined) {
    assert(values.tokenLogprobs !== undefined, "a cotangent of log-probabilities needs scored rows");
    values.tokenLogprobs.pull(cotangents.tokenLogprobs);
  }
  for (const [block, cotangent] of cotangents.states) {
    const state = values.states.get(block);
    assert(state !== undefined, "a cotangent of a state needs tapped rows");
    state.pull(cotangent);
  }
  await tape.backward();
};

/**
 * The model one block at a time: all blocks of a kind share one graph forward and one backward, weights are its inputs,
 * and backward computes a block again from the rows that went into it. Needs little memory besides the weights, which
 * may stay in 16 bits; the numbers are those of the whole graph.
 */
export class Layerwise implements Computation {
  readonly name = "onnx, layer by layer";
  readonly keeps: readonly Keep[] = ["graph", "inputs", "nothing"];
  readonly #model: EmbeddedModel;
  readonly #options: LayerwiseOptions & { readonly keptGraphs: number };
  readonly #current: Runs;
  #reference: Runs | undefined;
  readonly #sampler: LayerwiseSampler;

  constructor(model: EmbeddedModel, options: LayerwiseOptions) {
    const { config, weights, adapter } = model;
    this.#model = model;
    this.#options = { keptGraphs: 48, ...options };
    const runner = new StageRunner(weights, adapter, this.#options);
    this.#current = { runner, head: new ChunkedHead(config, runner, options.headRows) };
    const form = options.decodeWeights ?? "float32";
    this.#sampler = new LayerwiseSampler(config, runner, this.#current.head, form);
  }

  async forward(batch: ModelBatch, want: WantedOutputs, call: CallLimit): Promise<ComputedBatch> {
    const runs = want.weights === "current" ? this.#current : this.#reference;
    if (runs === undefined) throw new EngineError("no reference is held");
    const keeps = want.keepGraph && want.weights === "current";
    const { values, tape } = await this.#pass(batch, runs, keeps, want.logits, call);
    return {
      // What is kept for the way back must not be what a caller may write into.
      tokenLogprobs: values.tokenLogprobs?.read().slice() ?? new Float32Array(0),
      states: new Map([...values.states].map(([block, state]) => [block, state.read().slice()])),
      logits: values.logits,
      visualTokens: want.visualTokens ? values.visualTokens?.read().slice() : undefined,
      pullBack: keeps
        ? (cotangents, later) => this.#within(later, runs, () => pullBack(values, cotangents, tape))
        : undefined,
    };
  }

  async backward(
    batch: ModelBatch,
    cotangents: Cotangents,
    accumulate: boolean,
    call: CallLimit,
  ): Promise<void> {
    const { values, tape } = await this.#pass(batch, this.#current, true, false, call);
    if (!accumulate) for (const { gradient } of this.#model.weights.store.trained()) gradient!.fill(0);
    await this.#within(call, this.#current, () => pullBack(values, cotangents, tape));
  }

  async encode({ shape, feeds }: LoweredMedia, call: CallLimit): Promise<Float32Array> {
    const { runner } = this.#current;
    const tape = new Tape(runner, false);
    const made = await this.#within(call, this.#current, () =>
      passTower(shape, this.#model.config, feeds, tape),
    );
    return made.read().slice();
  }

  sample(
    request: SampleRequest,
    batch: ModelBatch,
    call: CallLimit,
    watch: CompletionWatch | undefined,
  ): Promise<readonly (readonly Completion[])[]> {
    return this.#within(call, this.#current, () => this.#sampler.sample(request, batch, call, watch));
  }

  weightsChanged(): void {
    this.#current.runner.weightsChanged();
    this.#sampler.weightsChanged();
  }

  holdReference(): void {
    const { config, weights, adapter } = this.#model;
    const runner = new StageRunner(weights.reference(), adapter, this.#options, this.#current.runner);
    this.#reference = { runner, head: new ChunkedHead(config, runner, this.#options.headRows) };
  }

  async release(): Promise<void> {
    await this.#current.runner.release();
    await this.#sampler.release();
  }

  async #pass(
    batch: ModelBatch,
    runs: Runs,
    recording: boolean,
    wantLogits: boolean,
    call: CallLimit,
  ): Promise<{ readonly values: PassValues; readonly tape: Tape }> {
    const { runner, head } = runs;
    const tape = new Tape(runner, recording);
    const values = await this.#within(call, runs, () =>
      passModel(batch, this.#model.config, runner, head, tape, wantLogits),
    );
    return { values, tape };
  }

  /** Does a piece of work under the limits of a call. */
  async #within<T>(call: CallLimit, { runner }: Runs, work: () => Promise<T>): Promise<T> {
    runner.call = call;
    try {
      return await work();
    } finally {
      runner.call = undefined;
    }
  }
}
