import type { Tensor } from "onnxruntime-node";
import { assert } from "../../core/errors.ts";
import { elementCount, type Value } from "../../graph/value.ts";
import { ropeTables } from "../../model/qwen2_5_vl/batch.ts";
import type { Qwen25VLConfig } from "../../model/qwen2_5_vl/config.ts";
import { decodeStep, prefill } from "../../model/qwen2_5_vl/decode.ts";
import { visionTower } from "../../model/qwen2_5_vl/vision-tower.ts";
import type { Completion, FeedArray, SampleRequest } from "../contract.ts";
import type { LoraAdapter } from "../lora.ts";
import type { ParameterStore } from "../parameter-store.ts";
import { drawToken } from "../token-choice.ts";
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

/** Cache capacities are rounded up to this many tokens, so that few different graphs are compiled. */
const capacityStep = 32;

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
    const { text } = this.#config;
    const { language } = request.batch;
    const prompts = language.samples;
    const rows = prompts * request.completions;
    assert(language.scored === prompts, "a prefill scores the last position of every prompt");
    const longest = Math.max(...request.lengths);
    const capacity = Math.ceil((longest + request.maxNewTokens) / capacityStep) * capacityStep;
    const start = await this.#prefill(request);
    const decoder = await this.#decoder(rows, capacity);
    this.#fillCaches(start, decoder, request, capacity);
    const firstLogits = start.output("logits") as Float32Array;
    const promptOf = (row: number): number => Math.floor(row / request.completions);
    const drawn = Array.from({ length: rows }, () => ({
      tokens: [] as number[],
      logprobs: [] as number[],
      finish: "length" as "stop" | "length",
      done: false,
    }));
    const randoms = drawn.map((_, row) => request.random.fork("completion", row));
    const ids = new BigInt64Array(rows);
    const last = new Int32Array(rows);
    const positions = new Int32Array(3 * rows);
    const choose = (logits: Float32Array, rowOfLogits: (row: number) => number): void => {
      drawn.forEach((completion, row) => {
        if (completion.done) return;
        const from = rowOfLogits(row) * text.vocabSize;
        const choice = drawToken(logits.subarray(from, from + text.vocabSize), request, randoms[row]!);
        completion.logprobs.push(choice.logprob);
        if (request.stopTokens.includes(choice.token)) {
          completion.done = true;
          completion.finish = "stop";
        } else {
          completion.tokens.push(choice.token);
          completion.done = completion.tokens.length >= request.maxNewTokens;
        }
        ids[row] = BigInt(choice.token);
      });
    };
    choose(firstLogits, promptOf);
    for (let step = 0; drawn.some(({ done }) => !done); step++) {
      for (let row = 0; row < rows; row++) {
        const prompt = promptOf(row);
        last[row] = request.lengths[prompt]! + step;
        for (let axis = 0; axis < 3; axis++)
          positions[axis * rows + row] = request.nextPositions[prompt]! + step;
      }
      const { cos, sin } = ropeTables(positions, this.#config.text);
      const numbers: Record<string, FeedArray> = {
        ids,
        cos,
        sin,
        last,
        total: Int32Array.of(longest + step + 1),
      };
      const given: Record<string, Tensor> = { ...this.#weights };
      for (const [name, value] of decoder.executable.inputs)
        if (name in numbers) given[name] = tensorOf(numbers[name]!, value.shape);
      for (const [name, { tensor }] of Object.entries(decoder.caches)) given[name] = tensor;
      await decoder.executable.run(given);
      choose(decoder.executable.output("logits") as Float32Array, (row) => row);
    }
    const completions = drawn.map(({ tokens, logprobs, finish }) => ({ tokens, logprobs, finish }));
    return Array.from({ length: prompts }, (_, prompt) =>
      completions.slice(prompt * request.completions, (prompt + 1) * request.completions),
    );
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
  #fillCaches(start: Executable, decoder: DecodePlan, request: SampleRequest, capacity: number): void {
    const { kvHeads, headDim, layers } = this.#config.text;
    const length = request.batch.language.length;
    for (let layer = 0; layer < layers; layer++) {
      for (const kind of ["keys", "values"] as const) {
        const from = start.output(`${kind}.${layer}`) as Float32Array;
        const to = decoder.caches[`${kind}.${layer}`]!.data;
        request.lengths.forEach((used, prompt) => {
          for (let head = 0; head < kvHeads; head++) {
            const at = (prompt * kvHeads + head) * length * headDim;
            const piece = from.subarray(at, at + used * headDim);
            for (let copy = 0; copy < request.completions; copy++) {
              const row = prompt * request.completions + copy;
              to.set(piece, (row * kvHeads + head) * capacity * headDim);
            }
          }
        });
      }
    }
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
