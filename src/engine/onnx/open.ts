import { totalmem } from "node:os";
import { elementCount } from "../../graph/value.ts";
import { type Checkpoint, openCheckpoint } from "../../model/checkpoint.ts";
import type { ModelConfig } from "../../model/config.ts";
import { type JointParameter, jointParameters } from "../../model/joint-parameters.ts";
import type { Adapter } from "../../weights/adapter.ts";
import { adapterShape, fillAdapter, type LoraAdapter, loraParameters } from "../lora.ts";
import { type HalfParameter, ModelWeights } from "../model-weights.ts";
import { ParameterStore } from "../parameter-store.ts";
import type { EmbeddedModel } from "./computation.ts";
import { EmbeddedEngine } from "./embedded-engine.ts";
import { Layerwise, type LayerwiseOptions } from "./layerwise/layerwise.ts";
import type { DecodeForm } from "./packed-weights.ts";
import { WholeGraph, type WholeGraphOptions } from "./whole-graph.ts";

/** What of a model is trained. */
export type Trained = "all" | "none" | "adapter" | ((parameter: JointParameter) => boolean);

/** All parameters of a model with an adapter, and which are trained. */
const listParameters = (
  config: ModelConfig,
  trained: Trained,
  adapter: LoraAdapter | undefined,
): {
  readonly all: readonly JointParameter[];
  readonly isTrained: (parameter: JointParameter) => boolean;
} => {
  const base = jointParameters(config);
  const extra = adapter === undefined ? [] : loraParameters(adapter, base);
  const adapterNames = new Set(extra.map(({ name }) => name));
  const isTrained = (parameter: JointParameter): boolean => {
    if (typeof trained === "function") return trained(parameter);
    return trained === "all" || (trained === "adapter" && adapterNames.has(parameter.name));
  };
  return { all: [...base, ...extra], isTrained };
};

/** Memory for all parameters of a model (zeros), and gradients for what is trained. */
export const emptyStore = (config: ModelConfig, trained: Trained, adapter?: LoraAdapter): ParameterStore => {
  const { all, isTrained } = listParameters(config, trained, adapter);
  return new ParameterStore(all, isTrained);
};

/** Reads every tensor of an open checkpoint into a store. */
export const fillStore = async (store: ParameterStore, checkpoint: Checkpoint): Promise<void> => {
  const known = new Set(checkpoint.names());
  for (const { name, data } of store.tensors()) if (known.has(name)) await checkpoint.readInto(name, data);
};

/** A checkpoint's configuration and its parameters in memory. */
export const loadStore = async (
  folder: string,
  trained: Trained,
  adapter?: LoraAdapter,
): Promise<{ config: ModelConfig; store: ParameterStore }> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    const store = emptyStore(checkpoint.config, trained, adapter);
    await fillStore(store, checkpoint);
    return { config: checkpoint.config, store };
  } finally {
    await checkpoint.close();
  }
};

/** How a model is computed: as one graph, or block by block. */
export type Execution = "whole" | "layerwise";

/** How frozen matrices are kept: in float32, or in the 16 bits a number that the checkpoint has (computed in float32). */
export type WeightStorage = "float32" | "as-stored";

/** How a checkpoint is opened for computing. */
export interface OpenEngineOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Default "auto": block by block from {@link layerwiseFrom} parameters on. */
  readonly execution?: Execution | "auto";
  /** Default "auto": as stored when float32 would take more than half of the machine's memory. Whole: float32. */
  readonly weightStorage?: WeightStorage | "auto";
  /** Weights of decoding. */
  readonly decodeWeights?: DecodeForm;
  /** Compiled graphs that a whole-graph engine keeps. */
  readonly keptPlans?: number;
}

/** From this many parameters on a model is computed block by block unless something else is asked for. */
export const layerwiseFrom = 5e8;

/** A checkpoint with its weights in memory, ready to compute. */
export interface OpenModel {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly engine: EmbeddedEngine;
  readonly execution: Execution;
  readonly weightStorage: WeightStorage;
  /** What a person should know about the checkpoint. */
  readonly warnings: readonly string[];
}

/** An engine that computes a model as one graph. */
export const wholeGraphEngine = (model: EmbeddedModel, options: WholeGraphOptions): EmbeddedEngine =>
  new EmbeddedEngine(model, new WholeGraph(model, options), options.threads);

/** An engine that computes a model block by block. */
export const layerwiseEngine = (model: EmbeddedModel, options: LayerwiseOptions): EmbeddedEngine =>
  new EmbeddedEngine(model, new Layerwise(model, options), options.threads);

/** Number of parameters of a model. */
export const parameterCount = (config: ModelConfig): number =>
  jointParameters(config).reduce((total, { shape }) => total + elementCount(shape), 0);

/**
 * Reads the weights of an open checkpoint.
 *
 * @param inFloat32 parameters that are kept in float32 whatever `storage` says
 */
export const loadWeights = async (
  checkpoint: Checkpoint,
  trained: Trained,
  adapter: LoraAdapter | undefined,
  storage: WeightStorage,
  inFloat32: ReadonlySet<string> = new Set(),
): Promise<ModelWeights> => {
  const { all, isTrained } = listParameters(checkpoint.config, trained, adapter);
  const known = new Set(checkpoint.names());
  const halves: HalfParameter[] = [];
  const whole: JointParameter[] = [];
  for (const parameter of all) {
    const isFrozenMatrix = parameter.shape.length > 1 && known.has(parameter.name) && !isTrained(parameter);
    const mayStay = storage === "as-stored" && isFrozenMatrix && !inFloat32.has(parameter.name);
    const stored = mayStay ? await checkpoint.readBits(parameter.name) : undefined;
    if (stored === undefined) whole.push(parameter);
    else halves.push({ ...parameter, stored });
  }
  const store = new ParameterStore(whole, isTrained);
  await fillStore(store, checkpoint);
  return new ModelWeights(store, halves);
};

/**
 * Opens a checkpoint, with an adapter if one is given, in the engine that fits its size.
 *
 * @throws {WeightsError} when weights or adapter do not fit the configuration
 */
export const openEngine = async (
  folder: string,
  trained: Trained,
  options: OpenEngineOptions,
  adapter?: Adapter,
): Promise<OpenModel> => {
  const checkpoint = await openCheckpoint(folder, { untied: adapter?.unties === true });
  try {
    const { config } = checkpoint;
    const parameters = parameterCount(config);
    const { execution: wanted = "auto", weightStorage: asked = "auto", threads } = options;
    const bySize = parameters >= layerwiseFrom ? "layerwise" : "whole";
    const execution = wanted === "auto" ? bySize : wanted;
    const byMemory = 4 * parameters > totalmem() / 2 ? "as-stored" : "float32";
    const chosen = asked === "auto" ? byMemory : asked;
    const weightStorage = execution === "whole" ? "float32" : chosen;
    const shape = adapter && adapterShape(adapter);
    const replaced = new Set(adapter?.replaced.map(({ name }) => name));
    const weights = await loadWeights(checkpoint, trained, shape, weightStorage, replaced);
    if (adapter !== undefined) fillAdapter(weights.store, adapter);
    const { decodeWeights, keptPlans } = options;
    const model = { config, weights, adapter: shape };
    const shared = { threads, ...(decodeWeights === undefined ? {} : { decodeWeights }) };
    const engine =
      execution === "layerwise"
        ? layerwiseEngine(model, shared)
        : wholeGraphEngine(model, { ...shared, ...(keptPlans === undefined ? {} : { keptPlans }) });
    return { config, weights, engine, execution, weightStorage, warnings: checkpoint.warnings };
  } finally {
    await checkpoint.close();
  }
};
