import type { Tensor } from "onnxruntime-node";
import { assert } from "../../core/errors.ts";
import { elementCount, type Value } from "../../graph/value.ts";
import type { Qwen25VLConfig } from "../../model/qwen2_5_vl/config.ts";
import { decodeStep, prefill } from "../../model/qwen2_5_vl/decode.ts";
import { visionTower } from "../../model/qwen2_5_vl/vision-tower.ts";
import type { Completion, FeedArray, SampleRequest } from "../contract.ts";
import {
  cacheCapacity,
  checkSampleRequest,
  decodeFeeds,
  drawCompletions,
  fillCache,
} from "../draw-completions.ts";
import type { LoraAdapter } from "../lora.ts";
import type { ParameterStore } from "../parameter-store.ts";
import { Executable, tensorOf } from "./executable.ts";
import { type DecodeForm, PackedWeights } from "./packed-weights.ts";
import { inputWeights } from "./plan.ts";

/** A compiled decoding step with the caches of its rows. */
interface DecodePlan {
  executable: Executable;
  /** Weights were updated since it was compiled. */
  stale: boolean;
  /** Its graph, and where it writes. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly buffers: Readonly<Record<string, FeedArray>>;
  readonly stored: readonly string[];
  /** keys and values of every block: [R, K, L, d], read and written in place. */
  readonly caches: Readonly<Record<string, { readonly data: Float32Array; readonly tensor: Tensor }>>;
}

/** Draws completions: one prefill for all completions of a prompt, then one token a row and step. */
export class OnnxSampler {
  readonly #config: Qwen25VLConfig;
  readonly #store: ParameterStore;
  readonly #adapter: LoraAdapter | undefined;
  readonly #threads: number;
  readonly #weights: Readonly<Record<string, Tensor>>;
  readonly #packed: PackedWeights;
  readonly #prefills = new Map<string, Executable>();
  readonly #decoders = new Map<string, DecodePlan>();

  constructor(
    config: Qwen25VLConfig,
    store: ParameterStore,
    adapter: LoraAdapter | undefined,
    threads: number,
    weights: Readonly<Record<string, Tensor>>,
    form: DecodeForm,
  ) {
    this.#config = config;
    this.#store = store;
    this.#adapter = adapter;
    this.#threads = threads;
    this.#weights = weights;
    this.#packed = new PackedWeights(store, form);
  }

  /** Draws the completions of every prompt. */
  async sample(request: SampleRequest): Promise<readonly (readonly Completion[])[]> {
    checkSampleRequest(request, this.#config.text.vocabSize);
    const prompts = request.batch.language.samples;
    assert(request.batch.language.scored === prompts, "a prefill scores the last position of every prompt");
    const start = await this.#prefill(request);
    const decoder = await this.#decoder(prompts * request.completions, cacheCapacity(request));
    this.#fillCaches(start, decoder, request);
    return drawCompletions(request, this.#config.text.vocabSize, {
      first: start.output("logits") as Float32Array,
      next: async (ids, step) => {
        const numbers: Record<string, FeedArray> = { ids, ...decodeFeeds(request, step, this.#config.text) };
        const given: Record<string, Tensor> = { ...this.#weights };
        for (const [name, value] of decoder.executable.inputs)
          if (name in numbers) given[name] = tensorOf(numbers[name]!, value.shape);
        for (const [name, { tensor }] of Object.entries(decoder.caches)) given[name] = tensor;
        await decoder.executable.run(given);
        return decoder.executable.output("logits") as Float32Array;
      },
    });
  }

  /** Says that weights were updated: what was packed is packed again at the next request. */
  weightsChanged(): void {
    this.#packed.clear();
    for (const plan of this.#decoders.values()) plan.stale = true;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    for (const executable of this.#prefills.values()) await executable.release();
    for (const { executable } of this.#decoders.values()) await executable.release();
    this.#prefills.clear();
    this.#decoders.clear();
  }

  async #prefill({ batch }: SampleRequest): Promise<Executable> {
    const key = JSON.stringify([batch.language, batch.vision]);
    let executable = this.#prefills.get(key);
    if (executable === undefined) {
      const weights = inputWeights(this.#store, this.#adapter);
      const visual =
        batch.vision === undefined ? undefined : visionTower(batch.vision, this.#config, weights);
      const { logits, caches } = prefill(batch.language, visual, this.#config, weights);
      const outputs: Record<string, Value> = { logits };
      caches.forEach(({ keys, values }, layer) => {
        outputs[`keys.${layer}`] = keys;
        outputs[`values.${layer}`] = values;
      });
      executable = await Executable.compile(outputs, { threads: this.#threads });
      await evictOldest(this.#prefills, (old) => old.release());
      this.#prefills.set(key, executable);
    }
    const given: Record<string, Tensor> = { ...this.#weights };
    for (const [name, value] of executable.inputs) {
      const numbers = batch.feeds[name];
      if (numbers !== undefined) given[name] = tensorOf(numbers, value.shape);
    }
    await executable.run(given);
    return executable;
  }

  async #decoder(rows: number, capacity: number): Promise<DecodePlan> {
    const key = `${rows} ${capacity}`;
    const known = this.#decoders.get(key);
    if (known !== undefined) {
      if (known.stale) {
        await known.executable.release();
        known.executable = await this.#compileDecoder(known.outputs, known.buffers, known.stored);
        known.stale = false;
      }
      return known;
    }
    const stored: string[] = [];
    const weights = this.#packed.weights(inputWeights(this.#store, this.#adapter), stored);
    const { logits, caches } = decodeStep(rows, capacity, this.#config, weights);
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
    await evictOldest(this.#decoders, (old) => old.executable.release());
    const plan = { executable, stale: false, outputs, buffers, stored, caches: memory };
    this.#decoders.set(key, plan);
    return plan;
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
      fillCache(start.output(name) as Float32Array, data, request, this.#config.text);
  }
}

const keptPlans = 4;

/** Makes room for one more compiled graph. */
const evictOldest = async <T>(plans: Map<string, T>, release: (plan: T) => Promise<void>): Promise<void> => {
  if (plans.size < keptPlans) return;
  const [key, plan] = plans.entries().next().value!;
  plans.delete(key);
  await release(plan);
};
