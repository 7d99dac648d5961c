import type { Tensor } from "onnxruntime-node";
import { EngineError } from "../../core/errors.ts";
import type { Objective } from "../../graph/objective.ts";
import type { Value } from "../../graph/value.ts";
import { visionTower } from "../../model/vision-tower.ts";
import type { CallLimit } from "../call-limit.ts";
import type {
  Completion,
  CompletionWatch,
  Cotangents,
  FeedArray,
  Keep,
  SampleRequest,
  StepResult,
} from "../contract.ts";
import { Executable, tensorOf } from "../executable.ts";
import { KeptGraphs } from "../kept-graphs.ts";
import type { Computation, ComputedBatch, EmbeddedModel, WantedOutputs } from "./computation.ts";
import type { LoweredMedia } from "./lowering/media.ts";
import type { ModelBatch } from "./lowering/model-batch.ts";
import type { DecodeForm } from "./packed-weights.ts";
import {
  backwardOutputs,
  forwardOutputs,
  inputWeights,
  type ModelValues,
  modelValues,
  stepOutputs,
  weightFeed,
} from "./plan.ts";
import { OnnxSampler } from "./sampler.ts";

export interface WholeGraphOptions {
  /** Threads inside one operator; with 1, results do not depend on timing at all. */
  readonly threads: number;
  /** Compiled graphs that are kept; the one used longest ago goes first. Default 8. */
  readonly keptPlans?: number;
  /** Weights of decoding: as they are (default), or rounded to 8 bits in blocks of 32, each with its scale. */
  readonly decodeWeights?: DecodeForm;
}

/** The model's graph with its derivative, compiled once a shape, run by ONNX Runtime. */
export class WholeGraph implements Computation {
  readonly name = "onnx, whole graph";
  readonly keeps: readonly Keep[] = ["inputs", "nothing"];
  readonly #model: EmbeddedModel;
  readonly #threads: number;
  readonly #plans: KeptGraphs<Executable>;
  /** The tower alone, by the size of a picture. */
  readonly #towers = new KeptGraphs<Executable>(8);
  readonly #weights: Record<string, Tensor> = {};
  #reference: Readonly<Record<string, Tensor>> | undefined;
  readonly #sampler: OnnxSampler;

  constructor(model: EmbeddedModel, { threads, keptPlans = 8, decodeWeights }: WholeGraphOptions) {
    this.#model = model;
    this.#threads = threads;
    this.#plans = new KeptGraphs(keptPlans);
    for (const { name, shape, value, gradient } of model.weights.store.all()) {
      this.#weights[weightFeed(name)] = tensorOf(value, shape);
      if (gradient !== undefined) this.#weights[`accumulated.${name}`] = tensorOf(gradient, shape);
    }
    this.#sampler = new OnnxSampler(model, threads, this.#weights, decodeWeights ?? "float32");
  }

  async forward(batch: ModelBatch, want: WantedOutputs): Promise<ComputedBatch> {
    const wanted = { logits: want.logits, visualTokens: want.visualTokens };
    const plan = await this.#plan(`forward ${JSON.stringify(wanted)}`, batch, (model) =>
      forwardOutputs(model, wanted),
    );
    await this.#run(plan, batch.feeds, {}, want.weights === "current" ? this.#weights : this.#held());
    const { language, vision } = batch;
    const copy = (name: string): Float32Array => (plan.output(name) as Float32Array).slice();
    return {
      tokenLogprobs: language.scored > 0 ? copy("tokenLogprobs") : new Float32Array(0),
      states: new Map(language.taps.map(({ block }) => [block, copy(`state.${block}`)])),
      logits: wanted.logits && language.scored > 0 ? copy("logits") : undefined,
      visualTokens: wanted.visualTokens && vision !== undefined ? copy("visualTokens") : undefined,
      pullBack: undefined,
    };
  }

  async backward(batch: ModelBatch, cotangents: Cotangents, accumulate: boolean): Promise<void> {
    const given = {
      tokenLogprobs: cotangents.tokenLogprobs !== undefined,
      blocks: [...cotangents.states.keys()],
    };
    const plan = await this.#plan(`backward ${accumulate} ${JSON.stringify(given)}`, batch, (model) =>
      backwardOutputs(model, this.#model.weights.store, given, accumulate),
    );
    const feeds: Record<string, FeedArray> = {};
    if (cotangents.tokenLogprobs !== undefined) feeds["cotangent.tokenLogprobs"] = cotangents.tokenLogprobs;
    for (const [block, cotangent] of cotangents.states) feeds[`cotangent.state.${block}`] = cotangent;
    await this.#run(plan, batch.feeds, feeds);
  }

  async step(
    batch: ModelBatch,
    objective: Objective,
    extra: Readonly<Record<string, FeedArray>>,
    accumulate: boolean,
  ): Promise<StepResult> {
    const plan = await this.#plan(`step ${accumulate} ${objective.key}`, batch, (model) =>
      stepOutputs(model, batch, this.#model.weights.store, objective, accumulate),
    );
    const feeds: Record<string, FeedArray> = {};
    for (const [name, data] of Object.entries(extra)) feeds[`objective.${name}`] = data;
    await this.#run(plan, batch.feeds, feeds);
    const metrics: Record<string, number> = {};
    for (const name of plan.outputNames)
      if (name.startsWith("metric.")) metrics[name.slice("metric.".length)] = Number(plan.output(name)[0]);
    return { loss: Number(plan.output("loss")[0]), metrics };
  }

  async encode({ shape, feeds }: LoweredMedia): Promise<Float32Array> {
    const { config } = this.#model;
    const tower = await this.#towers.get(JSON.stringify(shape), () => {
      const visualTokens = visionTower(shape, config, inputWeights(this.#model));
      return Executable.compile({ visualTokens }, { threads: this.#threads, spinMicroseconds: 250 });
    });
    await this.#run(tower, feeds, {});
    return (tower.output("visualTokens") as Float32Array).slice();
  }

  sample(
    request: SampleRequest,
    batch: ModelBatch,
    call: CallLimit,
    watch: CompletionWatch | undefined,
  ): Promise<readonly (readonly Completion[])[]> {
    return this.#sampler.sample(request, batch, call, watch);
  }

  weightsChanged(): void {
    this.#sampler.weightsChanged();
  }

  holdReference(): void {
    const held = this.#model.weights.store.reference().all();
    this.#reference = Object.fromEntries(
      held.map(({ name, shape, value }) => [weightFeed(name), tensorOf(value, shape)]),
    );
  }

  async release(): Promise<void> {
    await this.#plans.release();
    await this.#towers.release();
    await this.#sampler.release();
  }

  #held(): Readonly<Record<string, Tensor>> {
    if (this.#reference === undefined) throw new EngineError("no reference is held");
    return this.#reference;
  }

  /** The compiled graph for this purpose and shape; compiles it at first use. */
  #plan(
    purpose: string,
    batch: ModelBatch,
    outputs: (model: ModelValues) => Record<string, Value>,
  ): Promise<Executable> {
    const key = `${purpose} ${JSON.stringify([batch.language, batch.vision, batch.signals.taps])}`;
    return this.#plans.get(key, () => {
      const values = outputs(modelValues(batch, this.#model));
      const buffers: Record<string, FeedArray> = {};
      for (const { name, gradient } of this.#model.weights.store.trained())
        if (`gradient.${name}` in values) buffers[`gradient.${name}`] = gradient!;
      return Executable.compile(values, { threads: this.#threads, spinMicroseconds: 250 }, buffers);
    });
  }

  async #run(
    plan: Executable,
    own: Readonly<Record<string, FeedArray>>,
    extra: Readonly<Record<string, FeedArray>>,
    weights: Readonly<Record<string, Tensor>> = this.#weights,
  ): Promise<void> {
    const feeds: Record<string, Tensor> = { ...weights };
    for (const [name, value] of plan.inputs) {
      const data = extra[name] ?? own[name];
      if (data !== undefined) feeds[name] = tensorOf(data, value.shape);
    }
    await plan.run(feeds);
  }
}
