import type { Tensor } from "onnxruntime-node";
import { elementCount, type Value } from "../../graph/value.ts";
import { decodeStep, prefill } from "../../model/decode.ts";
import type { CallLimit } from "../call-limit.ts";
import type { Completion, CompletionWatch, FeedArray, SampleRequest } from "../contract.ts";
import {
  cacheCapacity,
  checkSampleRequest,
  decodeFeeds,
  drawCompletions,
  fillCache,
} from "../draw-completions.ts";
import { Executable, tensorOf } from "../executable.ts";
import { KeptGraphs } from "../kept-graphs.ts";
import type { EmbeddedModel } from "./computation.ts";
import type { ModelBatch } from "./lowering/model-batch.ts";
import { type DecodeForm, PackedWeights } from "./packed-weights.ts";
import { inputWeights, visualValue } from "./plan.ts";

/** Keys and values of every block, [R, K, L, d] each, read and written in place. */
type Caches = Readonly<Record<string, { readonly data: Float32Array; readonly tensor: Tensor }>>;

/** A compiled decoding step with the caches of its rows. */
class DecodePlan {
  executable: Executable;
  /** Update of the weights that its constants are of. */
  version: number;
  /** Its graph, and where it writes. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly buffers: Readonly<Record<string, FeedArray>>;
  readonly stored: readonly string[];
  readonly caches: Caches;

  constructor(
    executable: Executable,
    version: number,
    parts: Pick<DecodePlan, "outputs" | "buffers" | "stored" | "caches">,
  ) {
    this.executable = executable;
    this.version = version;
    this.outputs = parts.outputs;
    this.buffers = parts.buffers;
    this.stored = parts.stored;
    this.caches = parts.caches;
  }

  release(): Promise<void> {
    return this.executable.release();
  }
}

/** Compiled graphs of each kind that are kept. */
const keptPlans = 4;

/** Draws completions: one prefill for all completions of a prompt, then one token a row and step. */
export class OnnxSampler {
  readonly #model: EmbeddedModel;
  readonly #threads: number;
  readonly #weights: Readonly<Record<string, Tensor>>;
  readonly #packed: PackedWeights;
  readonly #prefills = new KeptGraphs<Executable>(keptPlans);
  readonly #decoders = new KeptGraphs<DecodePlan>(keptPlans);
  /** Updates of the weights so far. */
  #version = 0;

  constructor(
    model: EmbeddedModel,
    threads: number,
    weights: Readonly<Record<string, Tensor>>,
    form: DecodeForm,
  ) {
    this.#model = model;
    this.#threads = threads;
    this.#weights = weights;
    this.#packed = new PackedWeights(model.weights.store, form);
  }

  /** Draws the completions of every prompt. @param batch the request's, lowered */
  async sample(
    request: SampleRequest,
    batch: ModelBatch,
    call: CallLimit,
    watch: CompletionWatch | undefined,
  ): Promise<readonly (readonly Completion[])[]> {
    const { text } = this.#model.config;
    checkSampleRequest(request, text.vocabSize);
    const start = await this.#prefill(batch);
    call.check();
    const rows = request.batch.samples * request.completions;
    const decoder = await this.#decoder(rows, cacheCapacity(request));
    this.#fillCaches(start, decoder, request);
    const logits = {
      first: start.output("logits") as Float32Array,
      next: async (ids: BigInt64Array, step: number) => {
        call.check();
        const numbers: Record<string, FeedArray> = { ids, ...decodeFeeds(request, step, text) };
        const given: Record<string, Tensor> = { ...this.#weights };
        for (const [name, value] of decoder.executable.inputs)
          if (name in numbers) given[name] = tensorOf(numbers[name]!, value.shape);
        for (const [name, { tensor }] of Object.entries(decoder.caches)) given[name] = tensor;
        await decoder.executable.run(given);
        return decoder.executable.output("logits") as Float32Array;
      },
    };
    return drawCompletions(request, text.vocabSize, logits, watch);
  }

  /** Says that weights were updated: what was packed is packed again at the next request. */
  weightsChanged(): void {
    this.#packed.clear();
    this.#version++;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    await this.#prefills.release();
    await this.#decoders.release();
  }

  async #prefill(batch: ModelBatch): Promise<Executable> {
    const key = JSON.stringify([batch.language, batch.vision]);
    const executable = await this.#prefills.get(key, () => this.#compilePrefill(batch));
    const given: Record<string, Tensor> = { ...this.#weights };
    for (const [name, value] of executable.inputs) {
      const numbers = batch.feeds[name];
      if (numbers !== undefined) given[name] = tensorOf(numbers, value.shape);
    }
    await executable.run(given);
    return executable;
  }

  #compilePrefill(batch: ModelBatch): Promise<Executable> {
    const { config } = this.#model;
    const weights = inputWeights(this.#model);
    const { logits, caches } = prefill(batch.language, visualValue(batch, config, weights), config, weights);
    const outputs: Record<string, Value> = { logits };
    caches.forEach(({ keys, values }, layer) => {
      outputs[`keys.${layer}`] = keys;
      outputs[`values.${layer}`] = values;
    });
    return Executable.compile(outputs, { threads: this.#threads });
  }

  /** The decoder of so many rows and positions, with the weights as they are now. */
  async #decoder(rows: number, capacity: number): Promise<DecodePlan> {
    const plan = await this.#decoders.get(`${rows} ${capacity}`, () => this.#makeDecoder(rows, capacity));
    if (plan.version === this.#version) return plan;
    await plan.release();
    plan.executable = await this.#compileDecoder(plan.outputs, plan.buffers, plan.stored);
    plan.version = this.#version;
    return plan;
  }

  async #makeDecoder(rows: number, capacity: number): Promise<DecodePlan> {
    const stored: string[] = [];
    const weights = this.#packed.weights(inputWeights(this.#model), stored);
    const { logits, caches } = decodeStep(rows, capacity, this.#model.config, weights);
    const outputs: Record<string, Value> = { logits };
    const memory: Record<string, { data: Float32Array; tensor: Tensor }> = {};
    const buffers: Record<string, FeedArray> = {};
    caches.forEach((cache, layer) => {
      for (const kind of ["keys", "values"] as const) {
        const { shape } = cache[kind];
        const data = new Float32Array(elementCount(shape));
        memory[`${kind}.${layer}`] = { data, tensor: tensorOf(data, shape) };
        outputs[`next.${kind}.${layer}`] = cache[kind];
        buffers[`next.${kind}.${layer}`] = data;
      }
    });
    const executable = await this.#compileDecoder(outputs, buffers, stored);
    return new DecodePlan(executable, this.#version, { outputs, buffers, stored, caches: memory });
  }

  #compileDecoder(
    outputs: Readonly<Record<string, Value>>,
    buffers: Readonly<Record<string, FeedArray>>,
    stored: readonly string[],
  ): Promise<Executable> {
    const options = { threads: this.#threads, stored: this.#packed.numbers(stored) };
    return Executable.compile(outputs, options, buffers);
  }

  /** Copies the prompts' keys and values into the caches of their completions' rows. */
  #fillCaches(start: Executable, decoder: DecodePlan, request: SampleRequest): void {
    for (const [name, { data }] of Object.entries(decoder.caches))
      fillCache(start.output(name) as Float32Array, data, request, this.#model.config.text);
  }
}
