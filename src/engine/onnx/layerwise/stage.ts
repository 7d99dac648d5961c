import type { Tensor } from "onnxruntime-node";
import { assert } from "../../../core/errors.ts";
import { vectorJacobianProduct } from "../../../graph/differentiate.ts";
import { input } from "../../../graph/ops/inputs.ts";
import type { Value } from "../../../graph/value.ts";
import type { Weights } from "../../../model/weights.ts";
import type { CallLimit } from "../../call-limit.ts";
import type { FeedArray } from "../../contract.ts";
import { Executable, tensorOf } from "../../executable.ts";
import { KeptGraphs } from "../../kept-graphs.ts";
import { type LoraAdapter, loraNames } from "../../lora.ts";
import type { ModelWeights } from "../../model-weights.ts";
import { weightFeed } from "../plan.ts";
import { WeightTensors } from "./weight-tensors.ts";

/** A part of the model that is a graph of its own. Parts of equal structure (the blocks) share one compiled graph. */
export interface Stage {
  /** Names everything that the graph depends on besides the adapter and what is trained: equal keys, equal graphs. */
  readonly key: string;
  /** Shapes of the values that come from other stages. */
  readonly inputs: readonly (readonly number[])[];
  /** Builds the graph from values of the shapes `inputs`; gives the values that go on to other stages. */
  readonly build: (flow: readonly Value[], weights: Weights) => readonly Value[];
  /**
   * How its parameters are called: a name that begins with `graph` in the graph begins with `model` in the model. Block 7
   * has `model.layers.0.` and `model.layers.7.`, since all blocks share the graph of block 0.
   */
  readonly prefix: { readonly graph: string; readonly model: string };
  /** Numbers of the other inputs that the graph declares, by their names (positions, masks, row numbers). */
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

/** A stage's graph before it is compiled. */
export interface BuiltStage {
  readonly flow: readonly Value[];
  readonly outputs: readonly Value[];
  /** Parameters by the graph's names. */
  readonly parameters: ReadonlyMap<string, Value>;
}

/** One output of a stage. */
export interface StageResult {
  /** Row-major; the caller's. */
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A compiled stage, with the names and shapes of its outputs in order. */
interface CompiledStage {
  readonly graph: Executable;
  readonly outputs: readonly (readonly [string, readonly number[]])[];
  release(): Promise<void>;
}

/** Options of {@link StageRunner}. */
export interface StageRunnerOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Compiled graphs that are kept; the one used longest ago goes first. */
  readonly keptGraphs: number;
}

/** Input of a stage's graph that comes from another stage. */
export const flowName = (index: number): string => `flow.${index}`;
const outputName = (index: number): string => `output.${index}`;
const cotangentName = (index: number): string => `cotangent.${index}`;
const pulledName = (index: number): string => `pulled.${index}`;
const gradientPrefix = "gradient.";

/** Compiles stages and runs them forward and backward. Weights are inputs of the graphs. */
export class StageRunner {
  readonly weights: ModelWeights;
  readonly adapter: LoraAdapter | undefined;
  /** Threads inside one operator. */
  readonly threads: number;
  /** The call that is being computed; its limits are checked before every stage. */
  call: CallLimit | undefined;
  readonly #graphs: KeptGraphs<CompiledStage>;
  readonly #tensors: WeightTensors;
  readonly #signatures = new Map<string, string>();
  readonly #trained: readonly string[];

  /** @param sibling a runner on other numbers of the same parameters, whose graphs this one uses */
  constructor(
    weights: ModelWeights,
    adapter: LoraAdapter | undefined,
    options: StageRunnerOptions,
    sibling?: StageRunner,
  ) {
    this.weights = weights;
    this.adapter = adapter;
    this.threads = options.threads;
    this.#graphs = sibling === undefined ? new KeptGraphs(options.keptGraphs) : sibling.#graphs;
    this.#tensors = new WeightTensors(weights);
    this.#trained =
      sibling === undefined ? weights.store.trained().map(({ name }) => name) : sibling.#trained;
  }

  /** Says that parameters have other numbers now. */
  weightsChanged(): void {
    this.#tensors.clear();
  }

  /** Names of trained parameters under a prefix. */
  trainedUnder(prefix: string): readonly string[] {
    return this.#trained.filter((name) => name.startsWith(prefix));
  }

  /**
   * Runs a stage; the event loop gets a turn before it.
   *
   * @param flow numbers of `stage.inputs`, row-major
   * @throws {EngineError} when the runtime fails or the call's deadline is over; the signal's reason when it is aborted
   */
  async forward(stage: Stage, flow: readonly Float32Array[]): Promise<StageResult[]> {
    const { graph, outputs } = await this.#compiled(stage, "forward", (built) =>
      Object.fromEntries(built.outputs.map((value, i) => [outputName(i), value])),
    );
    await this.#run(graph, stage, flow, {});
    return outputs.map(([name, shape]) => ({ data: (graph.output(name) as Float32Array).slice(), shape }));
  }

  /**
   * Recomputes the stage and carries cotangents back through it. Gradients of the trained parameters under the stage's
   * prefix are added to the parameters' own gradients.
   *
   * @param flow numbers of `stage.inputs`, as they were forward
   * @param cotangents of the outputs, in order and of their sizes; undefined: zero
   * @param wanted which inputs need a cotangent
   * @returns cotangents of the inputs; undefined where not wanted, or where nothing flows back
   */
  async backward(
    stage: Stage,
    flow: readonly Float32Array[],
    cotangents: readonly (Float32Array | undefined)[],
    wanted: readonly boolean[],
  ): Promise<(Float32Array | undefined)[]> {
    const given = cotangents.map((cotangent) => cotangent !== undefined);
    const purpose = `backward ${JSON.stringify([given, wanted])}`;
    const { graph, outputs } = await this.#compiled(stage, purpose, (built) =>
      this.#derivatives(stage, built, given, wanted),
    );
    const numbers: Record<string, FeedArray> = {};
    cotangents.forEach((cotangent, i) => {
      if (cotangent !== undefined) numbers[cotangentName(i)] = cotangent;
    });
    await this.#run(graph, stage, flow, numbers);
    const pulled = new Map(outputs.map(([name]) => [name, graph.output(name) as Float32Array]));
    for (const [name, numbers] of pulled)
      if (name.startsWith(gradientPrefix)) {
        const parameter = this.#modelName(stage, name.slice(gradientPrefix.length));
        addTo(this.weights.store.get(parameter).gradient!, numbers);
      }
    return wanted.map((_, i) => pulled.get(pulledName(i))?.slice());
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    await this.#graphs.release();
  }

  /** The parameter that a graph calls `name`. */
  #modelName(stage: Stage, name: string): string {
    const { graph, model } = stage.prefix;
    return name.startsWith(graph) ? model + name.slice(graph.length) : name;
  }

  /** Which adapters and trained parameters a prefix has, in the graph's names: part of a graph's key. */
  #signature(prefix: string): string {
    const known = this.#signatures.get(prefix);
    if (known !== undefined) return known;
    const modules = (this.adapter?.modules ?? []).filter(({ name }) => `${name}.`.startsWith(prefix));
    const signature = JSON.stringify([
      modules.map(({ name, rank, factor }) => [name.slice(prefix.length), rank, factor]),
      this.trainedUnder(prefix).map((name) => name.slice(prefix.length)),
    ]);
    this.#signatures.set(prefix, signature);
    return signature;
  }

  /** What a stage's graph depends on: stages with equal keys can share it. */
  graphKey(stage: Stage): string {
    return `${stage.key} ${this.#signature(stage.prefix.model)}`;
  }

  /** The graph of a stage; `form` changes how it takes its weights. */
  build(stage: Stage, form: (weights: Weights) => Weights = (weights) => weights): BuiltStage {
    const parameters = new Map<string, Value>();
    const get = (name: string): Value => {
      const known = parameters.get(name);
      if (known !== undefined) return known;
      const made = input(weightFeed(name), this.weights.shape(this.#modelName(stage, name)));
      parameters.set(name, made);
      return made;
    };
    const lora: Weights["lora"] = (module) => {
      const actual = this.#modelName(stage, module);
      const shape = this.adapter?.modules.find(({ name }) => name === actual);
      if (shape === undefined) return undefined;
      const { a, b } = loraNames(module);
      return { a: get(a), b: get(b), factor: shape.factor };
    };
    const flow = stage.inputs.map((shape, i) => input(flowName(i), shape));
    return { flow, outputs: stage.build(flow, form({ get, lora })), parameters };
  }

  /** Cotangents of the wanted inputs and gradients of the trained parameters, by name. */
  #derivatives(
    stage: Stage,
    { flow, outputs, parameters }: BuiltStage,
    given: readonly boolean[],
    wanted: readonly boolean[],
  ): Record<string, Value> {
    const trained = [...parameters].filter(([name]) => this.#trained.includes(this.#modelName(stage, name)));
    const named: [string, Value][] = [
      ...flow.map((value, i): [string, Value] => [pulledName(i), value]).filter((_, i) => wanted[i]),
      ...trained.map(([name, value]): [string, Value] => [gradientPrefix + name, value]),
    ];
    const seeds = outputs.flatMap((output, i) =>
      given[i] === true ? [{ output, cotangent: input(cotangentName(i), output.shape) }] : [],
    );
    const derived = vectorJacobianProduct(
      seeds,
      named.map(([, value]) => value),
    );
    return Object.fromEntries(
      named.flatMap(([name], i) => {
        const value = derived[i];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  #compiled(
    stage: Stage,
    purpose: string,
    outputs: (built: BuiltStage) => Record<string, Value>,
  ): Promise<CompiledStage> {
    return this.#graphs.get(`${purpose} ${this.graphKey(stage)}`, async () => {
      const values = outputs(this.build(stage));
      const graph = await Executable.compile(values, { threads: this.threads });
      return {
        graph,
        outputs: Object.entries(values).map(([name, { shape }]) => [name, shape] as const),
        release: () => graph.release(),
      };
    });
  }

  async #run(
    graph: Executable,
    stage: Stage,
    flow: readonly Float32Array[],
    numbers: Readonly<Record<string, FeedArray>>,
  ): Promise<void> {
    this.call?.check();
    const feeds: Record<string, Tensor> = {};
    flow.forEach((data, i) => {
      feeds[flowName(i)] = tensorOf(data, stage.inputs[i]!);
    });
    for (const [name, value] of graph.inputs) {
      const data = numbers[name] ?? stage.feeds[name];
      if (data !== undefined) feeds[name] = tensorOf(data, value.shape);
    }
    await graph.run({ ...feeds, ...this.weightFeeds(graph, stage) });
  }

  /** The parameters that a graph of the stage takes, by the names of its inputs. */
  weightFeeds(graph: Executable, stage: Stage): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    const weightPrefix = weightFeed("");
    for (const name of graph.inputs.keys())
      if (name.startsWith(weightPrefix)) {
        const parameter = name.slice(weightPrefix.length);
        feeds[name] = this.#tensors.get(parameter, this.#modelName(stage, parameter));
      }
    return feeds;
  }
}

/** target += addend. */
export const addTo = (target: Float32Array, addend: Float32Array): void => {
  assert(target.length === addend.length, "sums have one size");
  for (let i = 0; i < target.length; i++) target[i]! += addend[i]!;
};
