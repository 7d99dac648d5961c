import { assert, EngineError } from "../../core/errors.ts";
import { vectorJacobianProduct } from "../../graph/differentiate.ts";
import type { Objective } from "../../graph/objective.ts";
import { add } from "../../graph/ops/elementwise.ts";
import { filled, input } from "../../graph/ops/inputs.ts";
import type { Value } from "../../graph/value.ts";
import type { ModelConfig } from "../../model/config.ts";
import { type LanguageValues, languageModel } from "../../model/language-model.ts";
import { visionTower } from "../../model/vision-tower.ts";
import type { LoraValues, Weights } from "../../model/weights.ts";
import { loraNames } from "../lora.ts";
import { buildObjective, tappedSignals } from "../objective-signals.ts";
import type { ParameterStore } from "../parameter-store.ts";
import type { EmbeddedModel } from "./computation.ts";
import { featuresName } from "./lowering/media.ts";
import type { ModelBatch } from "./lowering/model-batch.ts";

/** Feed name of a parameter. */
export const weightFeed = (name: string): string => `weight.${name}`;

/** Weights as inputs of the graph, each declared once. */
export const inputWeights = ({ weights, adapter }: Pick<EmbeddedModel, "weights" | "adapter">): Weights => {
  const { store } = weights;
  const values = new Map<string, Value>();
  const get = (name: string): Value => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const made = input(weightFeed(name), store.get(name).shape);
    values.set(name, made);
    return made;
  };
  const lora = (module: string): LoraValues | undefined => {
    const shape = adapter?.modules.find(({ name }) => name === module);
    if (shape === undefined) return undefined;
    const { a, b } = loraNames(module);
    return { a: get(a), b: get(b), factor: shape.factor };
  };
  return { get, lora };
};

/** The whole model on one batch, as values. */
export interface ModelValues extends LanguageValues {
  readonly visualTokens: Value | undefined;
  readonly weights: Weights;
}

/** Visual tokens of a batch [U, D]: the tower's, or fed; undefined without pictures. */
export const visualValue = (
  { vision, language }: Pick<ModelBatch, "vision" | "language">,
  config: ModelConfig,
  weights: Weights,
): Value | undefined => {
  if (vision !== undefined) return visionTower(vision, config, weights);
  const { visualTokens } = language;
  return visualTokens === 0 ? undefined : input(featuresName, [visualTokens, config.vision.outHiddenSize]);
};

/** Builds the model's graph for the batch's shape. */
export const modelValues = (batch: ModelBatch, model: EmbeddedModel): ModelValues => {
  const { config } = model;
  const weights = inputWeights(model);
  const visualTokens = visualValue(batch, config, weights);
  return { ...languageModel(batch.language, visualTokens, config, weights), visualTokens, weights };
};

/** Values by the names under which a forward's results are read. */
export const forwardOutputs = (
  model: ModelValues,
  want: { readonly logits: boolean; readonly visualTokens: boolean },
): Record<string, Value> => {
  const outputs: Record<string, Value> = {};
  if (model.tokenLogprobs !== undefined) outputs["tokenLogprobs"] = model.tokenLogprobs;
  for (const [block, state] of model.states) outputs[`state.${block}`] = state;
  if (want.logits && model.logits !== undefined) outputs["logits"] = model.logits;
  if (want.visualTokens && model.visualTokens !== undefined) outputs["visualTokens"] = model.visualTokens;
  return outputs;
};

/** Gradients by parameter name; with `accumulate` each is added to what is fed as `accumulated.<name>`. */
const gradientOutputs = (
  seeds: Parameters<typeof vectorJacobianProduct>[0],
  model: ModelValues,
  store: ParameterStore,
  accumulate: boolean,
): Record<string, Value> => {
  const names = store.trained().map(({ name }) => name);
  const gradients = vectorJacobianProduct(seeds, names.map(model.weights.get));
  const outputs: Record<string, Value> = {};
  names.forEach((name, i) => {
    const gradient = gradients[i];
    if (gradient === undefined) {
      if (!accumulate) outputs[`gradient.${name}`] = filled(store.get(name).shape, 0);
    } else if (accumulate) {
      outputs[`gradient.${name}`] = add(gradient, input(`accumulated.${name}`, gradient.shape));
    } else outputs[`gradient.${name}`] = gradient;
  });
  return outputs;
};

/**
 * Outputs of a backward plan; cotangents are fed as `cotangent.tokenLogprobs` and `cotangent.state.<block>`.
 * @throws {EngineError} for a cotangent of a block that is not tapped
 */
export const backwardOutputs = (
  model: ModelValues,
  store: ParameterStore,
  given: { readonly tokenLogprobs: boolean; readonly blocks: readonly number[] },
  accumulate: boolean,
): Record<string, Value> => {
  const seeds: { output: Value; cotangent: Value }[] = [];
  if (given.tokenLogprobs) {
    assert(model.tokenLogprobs !== undefined, "a cotangent of log-probabilities needs scored rows");
    const { shape } = model.tokenLogprobs;
    seeds.push({ output: model.tokenLogprobs, cotangent: input("cotangent.tokenLogprobs", shape) });
  }
  for (const block of given.blocks) {
    const output = model.states.get(block);
    if (output === undefined)
      throw new EngineError("cotangent of a state that is not tapped", { where: `block ${block}` });
    seeds.push({ output, cotangent: input(`cotangent.state.${block}`, output.shape) });
  }
  return gradientOutputs(seeds, model, store, accumulate);
};

/** Outputs of a training step: `loss`, `metric.<name>` and the gradients. */
export const stepOutputs = (
  model: ModelValues,
  { signals }: ModelBatch,
  store: ParameterStore,
  objective: Objective,
  accumulate: boolean,
): Record<string, Value> => {
  const values = tappedSignals(model.tokenLogprobs, model.states, signals);
  const { loss, metrics } = buildObjective(objective, values, signals);
  const outputs: Record<string, Value> = { loss };
  for (const [name, value] of Object.entries(metrics)) outputs[`metric.${name}`] = value;
  const seeds = [{ output: loss, cotangent: filled([], 1) }];
  return { ...outputs, ...gradientOutputs(seeds, model, store, accumulate) };
};
