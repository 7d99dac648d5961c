/**
 * One new token for each of R rows, block by block.
 *
 * Legend: R rows, D width, K key heads, L capacity of a row's cache, d head size.
 */

import type { Tensor } from "onnxruntime-node";
import { elementCount } from "../../../graph/value.ts";
import type { ModelConfig } from "../../../model/config.ts";
import type { FeedArray } from "../../contract.ts";
import { Executable, tensorOf } from "../../executable.ts";
import type { PackedWeights } from "../packed-weights.ts";
import { decodeStage } from "./language-stages.ts";
import { flowName, type Stage, type StageRunner } from "./stage.ts";

/** Numbers and the tensor over them. */
interface Memory {
  readonly data: Float32Array;
  readonly tensor: Tensor;
}

const memory = (shape: readonly number[]): Memory => {
  const data = new Float32Array(elementCount(shape));
  return { data, tensor: tensorOf(data, shape) };
};

/** The blocks of the language model with the caches of R rows. */
export class BlockDecoder {
  readonly #config: ModelConfig;
  readonly #runner: StageRunner;
  readonly #rows: number;
  readonly #capacity: number;
  readonly #packed: PackedWeights | undefined;
  /** One for all blocks of equal structure, or one a block when matrices are constants. */
  readonly #graphs = new Map<string, Executable>();
  /** Keys and values [R, K, L, d] of every block, read and written in place. */
  readonly caches: readonly { readonly keys: Memory; readonly values: Memory }[];
  /** [R, D]: what goes into a block, and what comes out. */
  readonly #x: readonly [Memory, Memory];

  /** @param packed matrices that become constants of a graph a block; undefined: inputs of one graph for all blocks */
  constructor(
    config: ModelConfig,
    runner: StageRunner,
    rows: number,
    capacity: number,
    packed: PackedWeights | undefined,
  ) {
    this.#config = config;
    this.#runner = runner;
    this.#rows = rows;
    this.#capacity = capacity;
    this.#packed = packed;
    const { layers, kvHeads, headDim, hiddenSize } = config.text;
    const cache = [rows, kvHeads, capacity, headDim];
    this.caches = Array.from({ length: layers }, () => ({ keys: memory(cache), values: memory(cache) }));
    this.#x = [memory([rows, hiddenSize]), memory([rows, hiddenSize])];
  }

  /**
   * Runs all blocks on the embeddings of the new tokens [R, D].
   *
   * @param numbers `cos`, `sin`, `last` and `total` of the step
   * @returns [R, D], valid until the next step
   */
  async step(embedded: Float32Array, numbers: Readonly<Record<string, FeedArray>>): Promise<Float32Array> {
    const [into, out] = this.#x;
    out.data.set(embedded);
    for (const [layer, { keys, values }] of this.caches.entries()) {
      this.#runner.call?.check();
      into.data.set(out.data);
      const named = this.#packed === undefined ? 0 : layer;
      const stage = decodeStage(layer, this.#rows, this.#capacity, this.#config, named);
      const graph = await this.#graph(named, stage);
      const feeds = this.#runner.weightFeeds(graph, stage);
      [into, keys, values].forEach(({ tensor }, i) => {
        feeds[flowName(i)] = tensor;
      });
      for (const [name, { shape }] of graph.inputs)
        if (name in numbers) feeds[name] = tensorOf(numbers[name]!, shape);
      await graph.run(feeds, { x: out.tensor, keys: keys.tensor, values: values.tensor });
    }
    return out.data;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    for (const graph of this.#graphs.values()) await graph.release();
    this.#graphs.clear();
  }

  async #graph(named: number, stage: Stage): Promise<Executable> {
    const key = `${named} ${this.#runner.graphKey(stage)}`;
    const known = this.#graphs.get(key);
    if (known !== undefined) return known;
    const packed = this.#packed;
    const stored: string[] = [];
    const { outputs } = this.#runner.build(stage, (base) => packed?.weights(base, stored) ?? base);
    const [x, keys, values] = outputs;
    const made = await Executable.compile(
      { x: x!, keys: keys!, values: values! },
      {
        threads: this.#runner.threads,
        ...(packed === undefined ? {} : { stored: packed.numbers(stored) }),
      },
    );
    // The session has its own copy of the constants.
    packed?.clear();
    this.#graphs.set(key, made);
    return made;
  }
}
