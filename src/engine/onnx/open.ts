import { totalmem } from "node:os";
import { openCheckpoint } from "../../model/checkpoint.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { Adapter } from "../../weights/adapter.ts";
import type { FeatureKeeping } from "../engine-plugin.ts";
import { adapterShape, fillAdapter } from "../lora.ts";
import {
  layerwiseFrom,
  loadWeights,
  parameterCount,
  type Trained,
  usualStorage,
  type WeightStorage,
} from "../model-store.ts";
import type { ModelWeights } from "../model-weights.ts";
import type { EmbeddedModel } from "./computation.ts";
import { EmbeddedEngine } from "./embedded-engine.ts";
import { Layerwise, type LayerwiseOptions } from "./layerwise/layerwise.ts";
import type { DecodeForm } from "./packed-weights.ts";
import { WholeGraph, type WholeGraphOptions } from "./whole-graph.ts";

/** How a model is computed: as one graph, or block by block. */
export type Execution = "whole" | "layerwise";

/** How a checkpoint is opened for computing. */
export interface EmbeddedOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Default "auto": block by block from {@link layerwiseFrom} parameters on. */
  readonly execution?: Execution | "auto";
  /** Default "auto": as stored when float32 would take more than half of the machine's memory. Whole: float32. */
  readonly weightStorage?: WeightStorage | "auto";
  readonly decodeWeights?: DecodeForm;
  /** Compiled graphs that a whole-graph engine keeps. */
  readonly keptPlans?: number;
  readonly features?: FeatureKeeping | undefined;
}

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
export const wholeGraphEngine = (
  model: EmbeddedModel,
  options: WholeGraphOptions,
  features?: FeatureKeeping,
): EmbeddedEngine => new EmbeddedEngine(model, new WholeGraph(model, options), options.threads, features);

/** An engine that computes a model block by block. */
export const layerwiseEngine = (
  model: EmbeddedModel,
  options: LayerwiseOptions,
  features?: FeatureKeeping,
): EmbeddedEngine => new EmbeddedEngine(model, new Layerwise(model, options), options.threads, features);

/**
 * Opens a checkpoint, with an adapter if one is given, in the engine that fits its size.
 *
 * @throws {WeightsError} when weights or adapter do not fit the configuration
 */
export const openEmbedded = async (
  folder: string,
  trained: Trained,
  options: EmbeddedOptions,
  adapter?: Adapter,
): Promise<OpenModel> => {
  const checkpoint = await openCheckpoint(folder, { untied: adapter?.unties === true });
  try {
    const { config } = checkpoint;
    const parameters = parameterCount(config);
    const { execution: wanted = "auto", weightStorage: asked = "auto", threads } = options;
    const bySize = parameters >= layerwiseFrom ? "layerwise" : "whole";
    const execution = wanted === "auto" ? bySize : wanted;
    const byMemory = usualStorage(parameters, totalmem());
    const chosen = asked === "auto" ? byMemory : asked;
    const weightStorage = execution === "whole" ? "float32" : chosen;
    const shape = adapter && adapterShape(adapter);
    const replaced = new Set(adapter?.replaced.map(({ name }) => name));
    const weights = await loadWeights(checkpoint, trained, shape, weightStorage, replaced);
    if (adapter !== undefined) fillAdapter(weights.store, adapter);
    const { decodeWeights, keptPlans, features } = options;
    const model = { config, weights, adapter: shape };
    const shared = { threads, ...(decodeWeights === undefined ? {} : { decodeWeights }) };
    const engine =
      execution === "layerwise"
        ? layerwiseEngine(model, shared, features)
        : wholeGraphEngine(model, { ...shared, ...(keptPlans === undefined ? {} : { keptPlans }) }, features);
    return { config, weights, engine, execution, weightStorage, warnings: checkpoint.warnings };
  } finally {
    await checkpoint.close();
  }
};
