import { WeightsError } from "../../core/errors.ts";
import { elementCount } from "../../graph/value.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { openCheckpoint } from "../../model/checkpoint.ts";
import { saveCheckpoint } from "../../model/save-checkpoint.ts";
import { readAdapter } from "../../weights/adapter.ts";
import { writeAdapter } from "../../weights/write-adapter.ts";
import type { NamedTensor } from "../../weights/write-safetensors.ts";
import type { SaveOptions } from "../contract.ts";
import { adapterContent, checkFolderKind, checkSameAdapter, wholeNames } from "../kept-files.ts";
import { type LoraAdapter, loraNames } from "../lora.ts";
import type { ModelWeights } from "../model-weights.ts";
import { loadOptimizer, saveOptimizer } from "../optimizer-state.ts";
import type { ParameterStore } from "../parameter-store.ts";
import type { EmbeddedModel } from "./computation.ts";

/** Every tensor of a model, those in 16 bits widened when their turn comes. */
const wholeTensors = (weights: ModelWeights): NamedTensor[] => [
  ...weights.store.tensors(),
  ...weights
    .halves()
    .flatMap(({ name, parts }) =>
      parts.map(({ name: part, shape }) => ({ name: part, shape, data: () => weights.numbers(name) })),
    ),
];

const partNames = (store: ParameterStore): string[] =>
  store.trained().flatMap(({ parts }) => parts.map(({ name }) => name));

const saveAdapter = (folder: string, adapter: LoraAdapter, { config, weights }: EmbeddedModel): void => {
  const whole = wholeNames(adapter, partNames(weights.store));
  const content = adapterContent(adapter, whole, (name) => weights.store.tensor(name));
  writeAdapter(folder, content, adaptedModel(config));
};

/** Writes a model as a Hugging Face folder (float32), or its adapter as a PEFT folder. */
export const saveModel = (
  folder: string,
  model: EmbeddedModel,
  { optimizer, tokenizerFrom }: SaveOptions,
): void => {
  const { config, weights, adapter } = model;
  if (adapter === undefined) {
    const copied = tokenizerFrom === undefined ? {} : { tokenizerFrom };
    saveCheckpoint(folder, config, wholeTensors(weights), { dtype: "float32", ...copied });
  } else saveAdapter(folder, adapter, model);
  if (optimizer === true) saveOptimizer(folder, weights.store);
};

const loadAdapter = async (
  folder: string,
  adapter: LoraAdapter,
  { config, weights }: EmbeddedModel,
): Promise<void> => {
  const read = await readAdapter(folder, adaptedModel(config));
  checkSameAdapter(folder, read, adapter, wholeNames(adapter, partNames(weights.store)));
  for (const { name, a_RI, b_OR } of read.modules) {
    const { a, b } = loraNames(name);
    weights.store.get(a).value.set(a_RI);
    weights.store.get(b).value.set(b_OR);
  }
  for (const { name, data } of read.replaced) weights.store.tensor(name).data.set(data);
};

const loadWhole = async (folder: string, { weights }: EmbeddedModel): Promise<void> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    const parameters = [...weights.store.all(), ...weights.halves()];
    const [own, there] = [parameters.flatMap(({ parts }) => parts).length, checkpoint.names().length];
    if (own !== there)
      throw new WeightsError("checkpoint of another model", {
        where: folder,
        expected: `${own} tensors`,
        got: String(there),
      });
    for (const { name, shape, parts } of parameters) {
      const stored = parts.map((part) => checkpoint.shape(part.name));
      if (stored.some((sides, i) => String(sides) !== String(parts[i]!.shape)))
        throw new WeightsError("checkpoint of another model", {
          where: `${folder}, ${name}`,
          expected: `[${shape.join(", ")}]`,
          got: stored.map((sides) => `[${sides.join(", ")}]`).join(" "),
        });
    }
    for (const { name, data } of weights.store.tensors()) await checkpoint.readInto(name, data);
    for (const { name, shape } of weights.halves()) {
      const numbers = new Float32Array(elementCount(shape));
      await checkpoint.readInto(name, numbers);
      weights.write(name, numbers);
    }
  } finally {
    await checkpoint.close();
  }
};

/**
 * Reads what {@link saveModel} wrote into a model in memory.
 * @throws {WeightsError} when it is of another model or adapter
 * @throws {RunError} when the optimizer's state is wanted and not there
 */
export const loadModel = async (
  folder: string,
  model: EmbeddedModel,
  withOptimizer: boolean,
): Promise<void> => {
  checkFolderKind(folder, model.adapter !== undefined);
  if (model.adapter === undefined) await loadWhole(folder, model);
  else await loadAdapter(folder, model.adapter, model);
  if (withOptimizer) await loadOptimizer(folder, model.weights.store);
};
