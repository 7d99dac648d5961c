import type { Tensor } from "onnxruntime-node";
import type { Objective } from "../../graph/objective.ts";
import type { Value } from "../../graph/value.ts";
import type { ModelConfig } from "../../model/config.ts";
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
} from "../contract.ts";
import type { LoraAdapter } from "../lora.ts";
import type { ParameterStore } from "../parameter-store.ts";
import { OnnxAdamW } from "./adamw.ts";
import { Executable, tensorOf } from "./executable.ts";
import { KeptGraphs } from "./kept-graphs.ts";
import type { DecodeForm } from "./packed-weights.ts";
import {
  backwardOutputs,
  forwardOutputs,
  type ModelValues,
  modelValues,
  stepOutputs,
  weightFeed,
} from "./plan.ts";
import { OnnxSampler } from "./sampler.ts";

/** Options of the embedded engine. */
export interface OnnxEngineOptions {
  /** Threads inside one operator; with 1, results do not depend on timing at all. */
  readonly threads: number;
  /** Compiled graphs that are kept; the one used longest ago goes first. Default 8. */
  readonly keptPlans?: number;
  /** Weights of decoding: as they are (default), or rounded to 8 bits in blocks of 32, each with its scale. */
  readonly decodeWeights?: DecodeForm;
}

/** The embedded engine: the model's graph with its derivative, compiled once a shape, run by ONNX Runtime. */
export class OnnxEngine implements Engine {
  readonly #config: ModelConfig;
  readonly #store: ParameterStore;
  readonly #adapter: LoraAdapter | undefined;
  /** How this engine was made. */
  readonly options: OnnxEngineOptions;
  readonly #plans: KeptGraphs<Executable>;
  readonly #weights: Record<string, Tensor> = {};
  readonly #sampler: OnnxSampler;
  readonly #optimizer: OnnxAdamW;

  constructor(
    config: ModelConfig,
    store: ParameterStore,
    adapter: LoraAdapter | undefined,
    options: OnnxEngineOptions,
  ) {
    this.#config = config;
    this.#store = store;
    this.#adapter = adapter;
    this.options = options;
    this.#plans = new KeptGraphs(options.keptPlans ?? 8);
    for (const { name, shape, value, gradient } of store.all()) {
      this.#weights[weightFeed(name)] = tensorOf(value, shape);
      if (gradient !== undefined) this.#weights[`accumulated.${name}`] = tensorOf(gradient, shape);
    }
    this.#optimizer = new OnnxAdamW(options.threads);
    this.#sampler = new OnnxSampler(
      config,
      store,
      adapter,
      options.threads,
      this.#weights,
      options.decodeWeights ?? "float32",
    );
  }

  get trainable(): readonly string[] {
    return this.#store.trained().map(({ name }) => name);
  }

  value(name: string): Float32Array {
    return this.#store.get(name).value;
  }

  gradient(name: string): Float32Array {
    return this.#store.get(name).gradient ?? new Float32Array(0);
  }

  async forward(
    batch: ModelBatch,
    want: { readonly logits?: boolean; readonly visualTokens?: boolean } = {},
  ): Promise<ForwardResult> {
    const wanted = { logits: want.logits === true, visualTokens: want.visualTokens === true };
    const plan = await this.#plan(`forward ${JSON.stringify(wanted)}`, batch, (model) =>
      forwardOutputs(model, wanted),
    );
    await this.#run(plan, batch, {});
    const { language, vision } = batch;
    const copy = (name: string): Float32Array => (plan.output(name) as Float32Array).slice();
    return {
      tokenLogprobs: language.scored > 0 ? copy("tokenLogprobs") : new Float32Array(0),
      states: new Map(language.taps.map(({ block }) => [block, copy(`state.${block}`)])),
      logits: wanted.logits && language.scored > 0 ? copy("logits") : undefined,
      visualTokens: wanted.visualTokens && vision !== undefined ? copy("visualTokens") : undefined,
    };
  }

  async backward(batch: ModelBatch, cotangents: Cotangents, accumulate = false): Promise<void> {
    const given = {
      tokenLogprobs: cotangents.tokenLogprobs !== undefined,
      blocks: [...cotangents.states.keys()],
    };
    const plan = await this.#plan(`backward ${accumulate} ${JSON.stringify(given)}`, batch, (model) =>
      backwardOutputs(model, this.#store, given, accumulate),
    );
    const feeds: Record<string, FeedArray> = {};
    if (cotangents.tokenLogprobs !== undefined) feeds["cotangent.tokenLogprobs"] = cotangents.tokenLogprobs;
    for (const [block, cotangent] of cotangents.states) feeds[`cotangent.state.${block}`] = cotangent;
    await this.#run(plan, batch, feeds);
  }

  async step(
    batch: ModelBatch,
    objective: Objective,
    extra: Readonly<Record<string, FeedArray>>,
    accumulate = false,
  ): Promise<StepResult> {
    const plan = await this.#plan(`step ${accumulate} ${objective.key}`, batch, (model) =>
      stepOutputs(model, this.#store, objective, accumulate),
    );
    const feeds: Record<string, FeedArray> = {};
    for (const [name, data] of Object.entries(extra)) feeds[`objective.${name}`] = data;
    await this.#run(plan, batch, feeds);
    const metrics: Record<string, number> = {};
    for (const name of plan.outputNames)
      if (name.startsWith("metric.")) metrics[name.slice("metric.".length)] = Number(plan.output(name)[0]);
    return { loss: Number(plan.output("loss")[0]), metrics };
  }

  async update(options: UpdateOptions): Promise<number> {
    const norm = await this.#optimizer.update(this.#store, options);
    this.#sampler.weightsChanged();
    return norm;
  }

  sample(request: SampleRequest): Promise<readonly (readonly Completion[])[]> {
    return this.#sampler.sample(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plans.release();
    await this.#sampler.release();
    await this.#optimizer.release();
  }

  /** The compiled graph for this purpose and shape; compiles it at first use. */
  #plan(
    purpose: string,
    batch: ModelBatch,
    outputs: (model: ModelValues) => Record<string, Value>,
  ): Promise<Executable> {
    const key = `${purpose} ${JSON.stringify([batch.language, batch.vision])}`;
    return this.#plans.get(key, () => {
      const values = outputs(modelValues(batch, this.#config, this.#store, this.#adapter));
      const buffers: Record<string, FeedArray> = {};
      for (const { name, gradient } of this.#store.trained())
        if (`gradient.${name}` in values) buffers[`gradient.${name}`] = gradient!;
      return Executable.compile(values, { threads: this.options.threads, spinMicroseconds: 250 }, buffers);
    });
  }

  async #run(plan: Executable, batch: ModelBatch, extra: Readonly<Record<string, FeedArray>>): Promise<void> {
    const feeds: Record<string, Tensor> = { ...this.#weights };
    for (const [name, value] of plan.inputs) {
      const data = extra[name] ?? batch.feeds[name];
      if (data !== undefined) feeds[name] = tensorOf(data, value.shape);
    }
    await plan.run(feeds);
  }
}
